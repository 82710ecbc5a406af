// The page, the status view and the reference of the API, as a reader uses them: by pointer, by keyboard,
// on a phone. `gateway` serves the demonstration, whose portal answers at `portal`. Screenshots go to `shots`.

import assert from 'node:assert/strict'
import http from 'node:http'
import path from 'node:path'

const DATASET = 'qualitat-aire-mesures'
const TABLE = 'e5f516c7-456f-50aa-804b-81826abed5b5'
const ROWS = 2400

export async function page({ chromium, gateway, portal, shots }) {
  const browser = await chromium.launch()
  try {
    let passed = 0
    for (const part of [finding, looking, drawing, copying, judging, trusting, unwrapping, bounding, choosing, following, failing, watching, describing, typing, fitting]) {
      await part({ browser, gateway, portal, shots })
      passed += 1
    }
    return { passed: passed - 1, failed: 0 } // the caller counts one
  } finally {
    await browser.close()
  }
}

// A page in a profile of its own, of which neither an error nor a request to elsewhere is overlooked.
async function visit({ browser, gateway, portal, shots }, what, { expected = () => false, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
  const wrong = []
  context.on('request', request => {
    const { protocol, hostname } = new URL(request.url())
    if (/^(https?|wss?):$/.test(protocol) && hostname !== '127.0.0.1') wrong.push(`asked ${request.url()}`)
  })
  const tab = await context.newPage()
  tab.on('pageerror', error => wrong.push(error.stack))
  tab.on('console', message => {
    // That the portal itself cannot be read is what the verdict finds out.
    const about = `${message.text()} ${message.location().url}`
    if (message.type() === 'error' && !about.includes(portal) && !expected(about)) wrong.push(about)
  })
  await tab.goto(`${gateway}/${what}`)
  return {
    tab,
    context,
    shot: (name, more) => tab.screenshot({ path: path.join(shots, `page-${name}.png`), ...more }),
    async done() {
      const text = await tab.evaluate(() => document.body.innerText)
      assert.doesNotMatch(text, /\[object |undefined|NaN/)
      await context.close()
      assert.deepEqual(wrong, [])
    }
  }
}

const problem = { status: 502, contentType: 'application/problem+json', body: JSON.stringify({
  type: '/problems#portal-failed', title: 'Portal failed', status: 502, detail: 'The portal answered with 503.' }) }
const table = `#portal=demo&dataset=${DATASET}&resource=${TABLE}`
const wide = tab => tab.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
const hash = tab => new URLSearchParams(new URL(tab.url()).hash.slice(1))

// The only portal is chosen at once; words find a dataset; its resources lead to rows; the way back is the browser's.
async function finding(common) {
  const { tab, shot, done } = await visit(common, '')
  await tab.getByRole('heading', { level: 1, name: 'The demonstration portal' }).waitFor()
  await tab.getByRole('heading', { name: '19 datasets' }).waitFor()
  assert.equal(hash(tab).get('portal'), 'demo')
  await tab.getByRole('link', { name: /Ajuntament de Vilanova del Camí · CSV, PDF · changed \d+ \w+ \d{4}$/ }).first().waitFor()
  // A host that is nowhere is no place to send a reader to.
  assert.equal(await tab.locator('a[href*=".invalid"]').count(), 0)
  await shot('portal')
  // The way back leads to where one was on the list.
  const last = tab.locator('.datasets a').last()
  await last.scrollIntoViewIfNeeded()
  const down = await tab.evaluate(() => scrollY)
  assert.ok(down > 500)
  await last.click()
  await tab.locator('#resources').waitFor()
  await tab.waitForFunction(() => scrollY === 0 && document.activeElement.tagName === 'H1')
  await tab.goBack()
  await tab.waitForFunction(y => Math.abs(scrollY - y) < 3, down)
  await tab.getByRole('searchbox').fill('aire')
  await tab.getByRole('heading', { name: /datasets with “aire”/ }).waitFor()
  assert.equal(hash(tab).get('q'), 'aire')
  await tab.getByRole('link', { name: /mesures diàries/ }).click()
  await tab.getByRole('heading', { name: '2 resources' }).waitFor()
  const first = tab.locator('#resources a').first()
  assert.equal(await tab.locator('a[href*=".invalid"]').count(), 0)
  assert.match(await first.innerText(), /CSV\s+qualitat-aire-mesures\.csv\s*table\s+226 kB\s+21 Nov 2026/)
  await shot('dataset')
  await first.click()
  await tab.getByRole('grid').waitFor()
  for (const part of ['#snippets pre', '.verdict', '#chart svg']) await tab.locator(part).waitFor()
  assert.deepEqual(await tab.locator('main > section:visible').evaluateAll(all => all.map(one => one.id)), ['find', 'preview', 'snippets', 'verdict', 'chart'])
  await tab.reload()
  await tab.getByRole('grid').waitFor()
  await tab.goBack()
  await tab.locator('#preview').waitFor({ state: 'hidden' })
  assert.equal(hash(tab).get('resource'), null)
  await tab.goBack()
  await tab.getByRole('heading', { name: /datasets with “aire”/ }).waitFor()
  await done()
}

// Every digit is there, and of 2,400 rows those in view.
async function looking(common) {
  const { tab, shot, done } = await visit(common, table)
  const grid = tab.getByRole('grid')
  await grid.waitFor()
  assert.equal(await grid.getAttribute('aria-rowcount'), String(ROWS + 1))
  assert.match(await grid.innerText(), /9007199254740993/)
  assert.match(await grid.locator('thead').innerText(), /id_mesura\s+int8/)
  const facts = await tab.locator('.facts').innerText()
  assert.match(facts, /Cache\s+(Asked of the portal just now, and kept|From the cache: the portal gave it)/)
  assert.match(facts, /Policy\s+Answers are fresh for 5 minutes/)
  // The dataset's own, though its portal has one, too.
  assert.match(facts, /Licence\s+Creative Commons Attribution\n/)
  assert.equal(await tab.locator('.facts a', { hasText: 'Creative Commons' }).getAttribute('href'), 'http://www.opendefinition.org/licenses/cc-by')
  const few = async () => assert.ok(await tab.locator('.grid tbody tr').count() < 80, 'the rows out of view are elements, too')
  await few()
  await tab.locator('.grid').evaluate(element => { element.scrollTop = element.scrollHeight })
  const last = tab.locator(`[aria-rowindex="${ROWS + 1}"]:not([aria-busy])`)
  await last.waitFor()
  await few()
  const asked = await fetch(`${common.gateway}/p/demo/api/3/action/datastore_search?resource_id=${TABLE}&offset=${ROWS - 1}&sort=_id`)
  const exact = (await asked.text()).match(/"id_mesura":\s*(\d+)/)[1]
  assert.ok(exact.length >= 16)
  assert.ok((await last.innerText()).includes(exact), 'the last number is not exact')
  await last.locator('th.number').click()
  const dialog = tab.getByRole('dialog')
  assert.match(await dialog.innerText(), /Row 2,400 of 2,400/)
  await dialog.getByRole('button', { name: 'Previous' }).click()
  assert.match(await dialog.innerText(), /Row 2,399 of 2,400/)
  await shot('row')
  await tab.keyboard.press('Escape')
  await dialog.waitFor({ state: 'detached' })
  await done()
}

// What is drawn is what the rows say.
async function drawing(common) {
  const { tab, shot, done } = await visit(common, table)
  const chart = tab.locator('#chart')
  await chart.locator('path.line').waitFor()
  const asked = await fetch(`${common.gateway}/p/demo/api/3/action/datastore_search?resource_id=${TABLE}&limit=32000&fields=valor`)
  const values = (await asked.json()).result.records.map(one => one.valor)
  const full = values.filter(one => one !== null)
  const summary = await chart.locator('figcaption').innerText()
  assert.ok(summary.startsWith(`All 2,400 rows; left out: ${ROWS - full.length} without a value. Lowest ${Math.min(...full)}, `), summary)
  assert.ok(summary.includes(`highest ${Math.max(...full)}.`), summary)
  const slider = chart.getByRole('slider')
  await slider.focus()
  await tab.keyboard.press('ArrowRight')
  assert.match(await slider.getAttribute('aria-valuetext'), /^2026-01-01.*: \d/)
  assert.match(await chart.locator('.readout').innerText(), /^2026-01-01/)
  await chart.scrollIntoViewIfNeeded()
  await shot('line')
  await chart.getByLabel('Shown').selectOption('')
  await chart.locator('rect.bar').first().waitFor()
  await chart.getByText('The same as a table').click()
  await chart.locator('.chart-table tbody tr').first().waitFor()
  const counts = await chart.locator('.chart-table tbody td:last-child').evaluateAll(all => all.map(one => Number(one.textContent.replaceAll(',', ''))))
  assert.equal(counts.reduce((sum, one) => sum + one, 0), full.length)
  await chart.scrollIntoViewIfNeeded()
  await shot('histogram')
  await done()
}

// What is copied is what is shown, and the URL that is copied has the rows.
async function copying(common) {
  const { tab, context, shot, done } = await visit(common, table)
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: common.gateway })
  const snippets = tab.locator('#snippets')
  await snippets.getByRole('button', { name: 'Copy these lines' }).click()
  await snippets.getByText('Copied').waitFor()
  const copied = () => tab.evaluate(() => navigator.clipboard.readText())
  const lines = (await copied()).split(/\r?\n/)
  assert.match(lines[0], new RegExp(`^%pip install ${common.gateway}/client/unpad-\\d+\\.\\d+\\.\\d+-py3-none-any\\.whl$`))
  assert.equal((await fetch(lines[0].split(' ').pop())).status, 200)
  assert.equal(lines[2], `unpad.use("${common.gateway}")`)
  assert.equal(lines[3], `rows = await unpad.table("demo", "${TABLE}")`)
  await snippets.getByRole('tab', { name: 'JupyterLite' }).focus()
  await tab.keyboard.press('ArrowRight')
  assert.equal(await snippets.getByRole('tab', { selected: true }).innerText(), 'pandas')
  assert.match(await snippets.getByRole('tabpanel').innerText(), /pd\.read_csv\("http/)
  await tab.keyboard.press('ArrowRight')
  await snippets.getByText('these lines stand within <script type="module">').waitFor()
  await snippets.getByRole('tab', { name: 'R', exact: true }).click()
  assert.match(await snippets.getByRole('tabpanel').innerText(), /numerals = "no\.loss"/)
  await tab.keyboard.press('End')
  assert.match(await snippets.getByRole('tabpanel').innerText(), /^curl --fail/)
  await shot('snippets', { fullPage: true })
  await snippets.getByRole('button', { name: 'Copy the URL: All rows as CSV' }).click()
  await tab.waitForFunction(before => navigator.clipboard.readText().then(text => text !== before), lines.join('\n'))
  const csv = await (await fetch(await copied())).text()
  assert.equal(csv.trimEnd().split(/\r?\n/).length, ROWS + 1)
  await done()
}

// The demonstration's portal answers by JSONP alone, so a page cannot read it.
async function judging(common) {
  const { tab, done } = await visit(common, '#portal=demo', { expected: about => / 502 /.test(about) })
  const verdict = tab.locator('.verdict.bad')
  await verdict.waitFor()
  assert.match(await verdict.innerText(), /Pages cannot read this portal directly\.\s+Blocked by CORS: 127\.0\.0\.1:\d+ answers/)
  assert.match(await verdict.innerText(), /Through this gateway they can read it/)
  await tab.route('**/api/3/action/package_search*', route => route.fulfill(problem))
  await tab.getByRole('searchbox').fill('soroll')
  await tab.getByText('Portal failed', { exact: true }).waitFor()
  await verdict.getByText('The gateway could not read it just now either').waitFor()
  assert.doesNotMatch(await verdict.innerText(), /can read it/)
  await done()
}

// What a portal writes into its answers is not asked for by the reader's browser, whether the gateway could
// read it or not.
async function trusting(common) {
  const asked = []
  const trap = http.createServer((request, response) => {
    asked.push(request.url)
    response.writeHead(200, { 'access-control-allow-origin': '*' }).end('a,b\n1,2\n')
  })
  await new Promise(resolve => trap.listen(0, '127.0.0.1', resolve))
  const near = `http://127.0.0.1:${trap.address().port}/private.csv`
  try {
    for (const [answer, ready] of [
      [problem, '#preview .trouble'],
      [{ status: 200, contentType: 'text/csv', headers: { link: `<${near}>; rel="via"` }, body: 'a,b\n1,2\n' }, '#preview .grid']
    ]) {
      const { tab, done } = await visit(common, 'docs', { expected: about => / 502 /.test(about) })
      await tab.route('**/api/3/action/package_show*', async route => {
        const response = await route.fetch()
        const document = await response.json()
        Object.assign(document.result.resources[0], { url: near, datastore_active: false })
        await route.fulfill({ response, json: document })
      })
      await tab.route('**/-/resource/*', route => route.fulfill(answer))
      await tab.goto(`${common.gateway}/${table}`)
      await tab.locator(ready).waitFor()
      await tab.locator('.verdict.bad').getByRole('link', { name: `${common.portal}/api/3/action/status_show` }).waitFor()
      assert.equal(/can read it/.test(await tab.locator('.verdict').innerText()), answer !== problem)
      await done()
    }
    assert.deepEqual(asked, [])
  } finally {
    trap.close()
  }
}

// Lines for an answer of CKAN's API reach into it.
async function unwrapping(common) {
  for (const [path, reach, inR] of [
    [`datastore_search?resource_id=${TABLE}&limit=3`, 'pd.json_normalize(data["result"]["records"])', '$result$records'],
    ['package_search?rows=2', 'pd.json_normalize(data["result"]["results"])', '$result$results'],
    ['organization_list', 'pd.DataFrame(data["result"])', '$result'],
    [`package_show?id=${DATASET}`, 'pd.json_normalize(data["result"])', '$result']
  ]) {
    const { tab, done } = await visit(common, `#${new URLSearchParams({ portal: 'demo', path: `api/3/action/${path}` })}`)
    await tab.getByRole('tab', { name: 'pandas' }).click()
    assert.equal((await tab.getByRole('tabpanel').innerText()).split('\n').pop(), `df = ${reach}`)
    await tab.getByRole('tab', { name: 'R', exact: true }).click()
    assert.ok((await tab.getByRole('tabpanel').innerText()).endsWith(`bigint_as_char = TRUE)${inR}`))
    await done()
  }
}

// Files that are no table, though each of their records is one row, do not stop the page.
async function bounding(common) {
  const { tab, done } = await visit(common, 'docs')
  const deep = 60_000
  for (const [name, shown, body] of [
    ['wide.json', '.tree', JSON.stringify(Array.from({ length: 250_000 }, (_, at) => ({ [`c${at}`]: 1 })))],
    ['deep.json', '.grid', `[{"a":${'['.repeat(deep)}${']'.repeat(deep)}}]`]
  ]) {
    await tab.route(`**/p/demo/${name}`, route => route.fulfill({ status: 200, contentType: 'application/json', body }))
    await tab.goto(`${common.gateway}/#portal=demo&path=${name}`)
    await tab.locator(`#preview ${shown}`).waitFor()
    await tab.getByRole('tab', { name: 'pandas' }).waitFor()
  }
  await done()
}

// Among several portals: words that fit none can be searched inside one, and software without a search has
// examples and a field.
async function choosing(common) {
  const { portals: [demo] } = await (await fetch(`${common.gateway}/portals`)).json()
  const other = { ...demo, id: 'maps', title: 'Maps of the town', dialect: 'generic', software: 'opendatasoft', url: '/p/maps/', examples: [] }
  const { tab, shot, done } = await visit(common, 'docs', { expected: about => / 404 /.test(about) && about.includes('/p/maps/') })
  await tab.route('**/portals', route => route.fulfill({ json: { portals: [demo, other] } }))
  await tab.route('**/p/maps', route => route.fulfill({ json: { ...other, examples: ['/p/maps/api/v2/catalog?limit=2'] } }))
  await tab.goto(`${common.gateway}/`)
  await tab.getByRole('heading', { name: '2 portals' }).waitFor()
  await tab.getByRole('searchbox').fill('mesures diàries')
  await tab.getByText('Datasets are searched inside a portal').waitFor()
  assert.equal(await tab.locator('.portals a').count(), 1)
  await shot('words')
  await tab.getByRole('button', { name: 'All portals' }).click()
  await tab.getByRole('heading', { name: '2 portals' }).waitFor()
  await tab.goto(`${common.gateway}/#q=mesures`)
  await tab.locator('.portals a').click()
  await tab.getByRole('heading', { name: /datasets? with “mesures”/ }).waitFor()
  await tab.goto(`${common.gateway}/#portal=maps`)
  await tab.getByRole('link', { name: 'api/v2/catalog?limit=2' }).waitFor()
  await shot('no-search')
  await tab.getByLabel('Path below /p/maps/').fill('/api/v2/towns?limit=1')
  await tab.keyboard.press('Enter')
  await tab.getByRole('heading', { level: 1, name: 'api/v2/towns?limit=1' }).waitFor()
  assert.equal(hash(tab).get('path'), 'api/v2/towns?limit=1')
  await tab.locator('#preview .trouble').waitFor()
  await done()
}

// A link that is pasted leads to what it stands for.
async function following(common) {
  const { tab, context, done } = await visit(common, '')
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: common.gateway })
  const paste = async text => {
    await tab.evaluate(one => navigator.clipboard.writeText(one), text)
    await tab.getByRole('searchbox').focus()
    await tab.keyboard.press('ControlOrMeta+v')
  }
  await tab.getByRole('heading', { name: '19 datasets' }).waitFor()
  await paste(`${common.portal}/dataset/${DATASET}`)
  await tab.getByRole('heading', { level: 1, name: /mesures diàries/ }).waitFor()
  await paste(`${common.portal}/dataset/${DATASET}/resource/${TABLE}`)
  await tab.getByRole('grid').waitFor()
  assert.equal(hash(tab).get('resource'), TABLE)
  await paste(`${common.portal}/api/3/action/status_show`)
  await tab.getByRole('region', { name: 'The JSON as a tree' }).waitFor()
  // So does the address of this page.
  await paste(`${common.gateway}/${table}`)
  await tab.getByRole('grid').waitFor()
  assert.equal(hash(tab).get('resource'), TABLE)
  await paste(`${common.gateway}/client/#status`)
  await tab.getByRole('heading', { level: 1, name: 'Status' }).waitFor()
  await done()
}

// Errors are sentences, and there is a way on.
async function failing(common) {
  const { tab, shot, done } = await visit(common, '#portal=nowhere', { expected: about => /status of (403|404)/.test(about) })
  await tab.getByText('There is no portal “nowhere” here', { exact: true }).waitFor()
  await tab.getByRole('link', { name: 'All portals' }).click()
  await tab.getByRole('heading', { name: '19 datasets' }).waitFor()
  await tab.goto(`${common.gateway}/#portal=demo&dataset=no-such-dataset`)
  await tab.locator('.trouble').waitFor()
  await tab.locator('.trouble').getByRole('link', { name: 'Search The demonstration portal' }).waitFor()
  await tab.goto(`${common.gateway}/#portal=demo&dataset=${DATASET}`)
  await tab.getByRole('link', { name: /Metodologia/ }).click()
  await tab.getByText('Target not allowed', { exact: true }).waitFor()
  await tab.locator('.trouble').getByRole('button', { name: 'Try again' }).waitFor()
  await shot('error', { fullPage: true })
  // Trouble with a resource that is not there goes when another is chosen.
  await tab.goto(`${common.gateway}/#portal=demo&dataset=${DATASET}&resource=gone`)
  const gone = tab.getByText('This dataset does not have that resource', { exact: true })
  await gone.waitFor()
  await tab.locator('#resources a').first().click()
  await tab.getByRole('grid').waitFor()
  assert.equal(await gone.count(), 0)
  await tab.getByRole('searchbox').fill('https://nowhere.example/dataset/x')
  await tab.getByRole('button', { name: 'Find' }).click()
  await tab.locator('#found .trouble').waitFor()
  assert.match(await tab.locator('#found .trouble').innerText(), /No portal that is registered here/)
  await done()
}

// The status is renewed while one looks, and says so when the gateway does not answer.
async function watching(common) {
  const { tab, shot, done } = await visit(common, '#status', { expected: about => about.includes('/status') })
  const row = tab.getByRole('row', { name: /The demonstration portal/ })
  await row.waitFor()
  await tab.getByText('As of').waitFor()
  const answers = () => row.getByRole('cell').nth(1).innerText()
  const before = await answers()
  await fetch(`${common.gateway}/p/demo/api/3/action/status_show`)
  await tab.waitForFunction(old => document.querySelector('.health tbody td:nth-child(3)').textContent !== old, before)
  assert.match(await row.innerText(), /ok/)
  await tab.getByRole('button', { name: 'Answers' }).click()
  assert.equal(await tab.getByRole('columnheader', { name: 'Answers' }).getAttribute('aria-sort'), 'descending')
  // A number and its unit stay on one line.
  const lines = await tab.locator('.figures dd, .health td.right').evaluateAll(all => all.map(one => getComputedStyle(one).whiteSpace))
  assert.deepEqual([...new Set(lines)], ['nowrap'])
  await shot('status')
  await tab.route('**/status', route => route.abort())
  await tab.getByText('The gateway does not answer', { exact: true }).waitFor()
  await tab.unroute('**/status')
  await tab.getByRole('button', { name: /Try now/ }).click()
  await tab.locator('.trouble').waitFor({ state: 'detached' })
  await done()
}

// The reference shows all operations, finds them and tries them.
async function describing(common) {
  const { tab, shot, done } = await visit(common, 'docs')
  await tab.getByRole('heading', { level: 1, name: /^API of/ }).waitFor()
  const { paths } = await (await fetch(`${common.gateway}/openapi.json`)).json()
  const count = Object.values(paths).flatMap(one => Object.keys(one).filter(name => /^(get|post|put|delete|patch|head|options)$/.test(name))).length
  assert.equal(await tab.getByRole('article').count(), count)
  await shot('docs')
  await tab.getByLabel('Search the operations').fill('/resolve')
  const article = tab.getByRole('article').filter({ visible: true }).first()
  await article.getByRole('textbox', { name: 'url' }).fill(`demo/dataset/${DATASET}`)
  assert.match(await article.locator('.code').innerText(), /curl --include '.*\/resolve\?url=demo%2Fdataset%2F/)
  await article.getByRole('button', { name: 'Try it' }).click()
  await article.getByText('200').nth(1).waitFor()
  assert.match(await article.locator('.raw').innerText(), /"kind": "dataset"/)
  await shot('docs-try', { fullPage: true })
  await done()
}

// From the first Tab to a value and back, without a pointer.
async function typing(common) {
  const { tab, shot, done } = await visit(common, '')
  await tab.getByRole('heading', { name: '19 datasets' }).waitFor()
  const focused = () => tab.evaluate(() => document.activeElement.textContent.trim())
  const tabTo = async (what, most = 40) => {
    for (let times = 0; times < most; times += 1) {
      await tab.keyboard.press('Tab')
      if (what.test(await focused())) return
    }
    assert.fail(`Tab does not reach ${what}`)
  }
  await tab.keyboard.press('Tab')
  assert.equal(await focused(), 'Skip to the content')
  await tab.keyboard.press('Enter')
  assert.equal(await tab.evaluate(() => document.activeElement.id), 'main')
  await tab.keyboard.press('/')
  await tab.keyboard.type('mesures')
  await tab.getByRole('heading', { name: /with “mesures”/ }).waitFor()
  await tabTo(/mesures diàries/)
  await tab.keyboard.press('Enter')
  await tab.locator('#resources').waitFor()
  await tabTo(/qualitat-aire-mesures\.csv/)
  const outline = await tab.evaluate(() => getComputedStyle(document.activeElement).outlineStyle)
  assert.notEqual(outline, 'none')
  await tab.keyboard.press('Enter')
  await tab.getByRole('grid').waitFor()
  assert.equal(await tab.evaluate(() => document.activeElement.id), 'preview-title')
  await tabTo(/^9007199254740993$/)
  await tab.keyboard.press('ArrowDown')
  await tab.keyboard.press('ArrowRight')
  assert.equal(await focused(), 'Vilanova i la Geltrú')
  await tab.keyboard.press('Control+End')
  await tab.waitForFunction(row => document.activeElement.closest('tr')?.ariaRowIndex === String(row), ROWS + 1)
  await tab.keyboard.press('Control+Home')
  await tab.keyboard.press('Enter')
  await tab.getByRole('dialog').waitFor()
  await shot('keyboard')
  await tab.keyboard.press('Escape')
  await tab.getByRole('dialog').waitFor({ state: 'detached' })
  assert.equal(await focused(), '9007199254740993')
  await done()
}

// Nothing is wider than a phone, in the dark either.
async function fitting(common) {
  for (const [name, what, ready] of [['rows', table, '#chart svg'], ['status', '#status', '.health tbody tr'], ['docs', 'docs', 'article']]) {
    const { tab, shot, done } = await visit(common, what, { viewport: { width: 360, height: 740 }, colorScheme: 'dark', hasTouch: true, reducedMotion: 'reduce' })
    await tab.locator(ready).first().waitFor()
    assert.equal(await wide(tab), 0, `${name} is wider than a phone`)
    await shot(`phone-${name}`, { fullPage: name === 'rows' })
    await done()
  }
}
