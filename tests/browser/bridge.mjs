// What a browser does with the portal's answers and with the gateway's, page by page.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'

const DATASET = 'qualitat-aire-mesures'
const TABLE = 'e5f516c7-456f-50aa-804b-81826abed5b5'
const FILE = `dataset/a80ca47a-54d8-5833-ad93-8d514455e99b/resource/${TABLE}/download/qualitat-aire-mesures.csv`
const SHOW = `api/3/action/package_show?id=${DATASET}`

// `pages` are origins: plain, isolated, public (as if it were not on this machine) and listed (which
// the portal `listed` of the gateway `second` names alone; its portal `files` is the plain page).
export async function bridge({ checks, open, gateway, portal, second, pages }) {
  const demo = `${gateway}/p/demo`
  const check = (title, what) => checks.check(title, what)

  checks.heading('A page and the portal')
  const plain = await visit(open, pages.plain)

  await check('the portal answers, but not to a page of another origin', async () => {
    const url = `${portal}/${SHOW}`
    assert.equal((await fetch(url)).status, 200)
    const { failed } = await read(plain, url)
    assert.match(failed, /Failed to fetch/)
    return plain.complaint(/blocked by CORS policy: No 'Access-Control-Allow-Origin' header/)
  })
  await check('the portal runs in the page as a script, when asked with a callback', async () => {
    assert.equal(await padded(plain, portal), 'ran')
    return 'JSONP, which the gateway spares the page'
  })
  await check('the page reads the same through the gateway', async () => {
    const answer = await read(plain, `${demo}/${SHOW}`)
    assert.equal(answer.status, 200)
    assert.deepEqual(JSON.parse(answer.text), await (await fetch(`${portal}/${SHOW}`)).json())
    assert.deepEqual(plain.preflights, [])
    return `${answer.text.length} characters, no preflight`
  })
  await check('a POST of JSON is preflighted and answered', async () => {
    plain.forget()
    const init = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ q: 'aire', rows: 2 }) }
    const answer = await read(plain, `${demo}/api/3/action/package_search`, init)
    assert.equal(answer.status, 200)
    assert.equal(JSON.parse(answer.text).result.results.length, 2)
    assert.deepEqual(plain.preflights, [204])
    await read(plain, `${demo}/api/3/action/package_search`, init)
    assert.deepEqual(plain.preflights, [204])
    return 'asked for once, and not again for a second POST'
  })
  await check('a part of a file is read', async () => {
    const whole = Buffer.from(await (await fetch(`${demo}/${FILE}`)).arrayBuffer())
    plain.forget()
    const first = await read(plain, `${demo}/${FILE}`, { headers: { Range: 'bytes=10-59' } })
    assert.equal(first.status, 206)
    assert.equal(first.fields['content-range'], `bytes 10-59/${whole.length}`)
    assert.equal(first.text, whole.subarray(10, 60).toString('latin1'))
    assert.deepEqual(plain.preflights, [])
    const last = await read(plain, `${demo}/${FILE}`, { headers: { Range: 'bytes=-50' } })
    assert.equal(last.status, 206)
    assert.equal(last.fields['content-range'], `bytes ${whole.length - 50}-${whole.length - 1}/${whole.length}`)
    assert.equal(last.text, whole.subarray(-50).toString('latin1'))
    assert.deepEqual(plain.preflights, [204])
    return `50 of ${whole.length} bytes; from the end only after a preflight`
  })
  await check('a problem is read: its status, what it is and what to do', async () => {
    const answer = await read(plain, `${gateway}/p/nowhere/${SHOW}`)
    const problem = JSON.parse(answer.text)
    assert.equal(answer.status, 404)
    assert.equal(answer.fields['content-type'], 'application/problem+json')
    assert.match(problem.type, /#unknown-portal$/)
    assert.equal(problem.status, 404)
    assert.equal(problem.success, false)
    assert.ok(problem.detail.length > 20, problem.detail)
    return problem.detail
  })
  await check('an error of the portal itself is read', async () => {
    const answer = await read(plain, `${demo}/api/3/action/package_show?id=none`)
    assert.equal(answer.status, 404)
    const { success, error } = JSON.parse(answer.text)
    assert.equal(success, false)
    assert.equal(error.__type, 'Not Found Error')
    return error.__type
  })
  await check('fields tell where an answer is from and how old it is', async () => {
    // Asked twice, so that the second is one the gateway had; the browser must not keep either.
    const url = `${demo}/api/3/action/organization_list`
    await read(plain, url, { cache: 'no-store' })
    const { fields } = await read(plain, url, { cache: 'no-store' })
    assert.match(fields['cache-status'], /^unpad; hit; ttl=\d+/)
    assert.match(fields.age, /^\d+$/)
    assert.match(fields.etag, /^(W\/)?"[^"]+"$/)
    assert.equal(fields.link, `<${portal}/api/3/action/organization_list>; rel="via", <https://spdx.org/licenses/CC-BY-4.0>; rel="license"`)
    assert.ok(Math.abs(Date.parse(fields.date) - Date.now()) < 600_000, fields.date)
    return `${fields['cache-status']}; age ${fields.age}; ${fields.link}`
  })
  await check('a digest holds for what the page has read', async () => {
    // Too small to be compressed.
    const { fields, text } = await read(plain, `${demo}/api/3/action/status_show`)
    assert.equal(fields['content-digest'], digest(text))
    return fields['content-digest']
  })
  await check('the browser revalidates what it has: 304', async () => {
    const url = `${demo}/api/3/action/package_show?id=${DATASET}&once=more`
    const first = await read(plain, url)
    plain.forget()
    const second = await read(plain, url, { cache: 'no-cache' })
    assert.deepEqual(plain.statuses(url), [304])
    assert.equal(second.text, first.text)
    plain.forget()
    await read(plain, url)
    assert.deepEqual(plain.statuses(url), [])
    return 'and asks nobody while it is fresh'
  })
  await check('saveJSON, where there is no JupyterLite, has the Python lines to paste', async () => {
    const said = await saving(plain, gateway, `${demo}/${SHOW}`)
    assert.match(said, /%pip install http.*\.whl\nimport unpad\nawait unpad\.save\(".*", "data\/menors\.json"\)/)
    return said
  })
  await plain.context.close()

  checks.heading('A page with Cross-Origin-Embedder-Policy: require-corp')
  const isolated = await visit(open, pages.isolated)
  await check('it reads through the gateway', async () => {
    assert.equal(await isolated.page.evaluate(() => crossOriginIsolated), true)
    const answer = await read(isolated, `${demo}/${SHOW}`)
    assert.equal(JSON.parse(answer.text).result.name, DATASET)
    return 'crossOriginIsolated'
  })
  await check('an image is shown from the gateway, and not from where it is', async () => {
    assert.equal(await image(isolated, `${second}/p/files/point.svg`), 'shown')
    assert.equal(await image(isolated, `${pages.plain}/point.svg`), 'blocked')
    return isolated.complaint(/ERR_BLOCKED_BY_RESPONSE/)
  })
  await check('an opaque request goes to the gateway, and not to the portal', async () => {
    assert.equal(await opaque(isolated, `${demo}/${SHOW}`), 'opaque')
    assert.equal(await opaque(isolated, `${portal}/${SHOW}`), 'TypeError')
  })
  await check('the client is a module for it', async () => {
    const { status } = await fetch(`${gateway}/client/unpad.js`)
    assert.equal(status, 200)
    const names = await isolated.page.evaluate(async url => Object.keys(await import(url)), `${gateway}/client/unpad.js`)
    assert.ok(names.includes('readJSON') && names.includes('saveJSON'), names.join(' '))
    return names.join(' ')
  })
  await check('the portal does not run in it as a script', async () => {
    assert.equal(await padded(isolated, portal), 'blocked')
    return 'no more JSONP'
  })
  await isolated.context.close()

  checks.heading('A public page and a gateway on the reader’s own machine')
  await check('without permission it is told clearly', async () => {
    const visitor = await visit(open, pages.public)
    const { failed } = await read(visitor, `${demo}/${SHOW}`)
    assert.match(failed, /Failed to fetch/)
    const said = await visitor.complaint(/Permission was denied for this request to access the `loopback` address space/)
    assert.equal(await padded(visitor, portal), 'blocked')
    await visitor.context.close()
    return said
  })
  await check('a client that was there before tells of the permission', async () => {
    const visitor = await visit(open, pages.public, ['local-network-access'])
    await visitor.page.evaluate(async url => { window.unpad = await import(url) }, `${gateway}/client/unpad.js`)
    await visitor.context.clearPermissions()
    const said = await visitor.page.evaluate(url => window.unpad.readJSON(url).then(() => 'read', error => error.message), `${demo}/${SHOW}`)
    assert.match(said, /Local network access/)
    await visitor.context.close()
    return said
  })
  await check('with permission it reads, and posts', async () => {
    const visitor = await visit(open, pages.public, ['local-network-access'])
    const answer = await read(visitor, `${demo}/${SHOW}`)
    assert.equal(JSON.parse(answer.text).result.name, DATASET)
    const init = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{"id":"qualitat-aire-mesures"}' }
    assert.equal((await read(visitor, `${demo}/api/3/action/package_show`, init)).status, 200)
    await visitor.context.close()
    return 'local-network-access'
  })

  checks.heading('A gateway with a list of origins')
  await check('a page on the list reads', async () => {
    const visitor = await visit(open, pages.listed)
    const answer = await read(visitor, `${second}/p/listed/${SHOW}`)
    assert.equal(JSON.parse(answer.text).result.name, DATASET)
    await visitor.context.close()
    return pages.listed
  })
  await check('another page does not, and is not let in by the cache', async () => {
    const visitor = await visit(open, pages.plain)
    for (const init of [{}, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{"id":"qualitat-aire-mesures"}' }]) {
      assert.match((await read(visitor, `${second}/p/listed/${SHOW}`, init)).failed ?? 'read', /Failed to fetch/)
    }
    const said = await visitor.complaint(/blocked by CORS policy/)
    await visitor.context.close()
    return said
  })
}

async function visit(open, origin, permissions = []) {
  const context = await open()
  if (permissions.length > 0) await context.grantPermissions(permissions, { origin })
  const page = await context.newPage()
  const network = await context.newCDPSession(page)
  const asked = []
  const preflights = []
  const told = []
  const sent = new Map()
  network.on('Network.requestWillBeSent', ({ requestId, request }) => sent.set(requestId, request.url))
  // The page itself sees 200 where the answer was 304, and nothing of a preflight.
  network.on('Network.responseReceivedExtraInfo', ({ requestId, statusCode }) => asked.push({ requestId, status: statusCode }))
  network.on('Network.responseReceived', ({ type, response }) => type === 'Preflight' && preflights.push(response.status))
  page.on('console', message => told.push(message.text()))
  await network.send('Network.enable')
  await page.goto(`${origin}/`)
  return {
    context,
    page,
    preflights,
    forget: () => {
      asked.length = 0
      preflights.length = 0
    },
    statuses: url => asked.filter(each => sent.get(each.requestId) === url).map(each => each.status),
    // The browser's own words, which reach the console a little after the page.
    complaint: async pattern => {
      if (!told.some(each => pattern.test(each))) {
        await page.waitForEvent('console', { predicate: message => pattern.test(message.text()), timeout: 5_000 })
          .catch(() => assert.fail(`the console says ${JSON.stringify(told)}`))
      }
      return told.find(each => pattern.test(each)).match(pattern)[0]
    }
  }
}

// Text is read as bytes, so that its length and its digest can be held against the file's.
function read(visitor, url, init = {}) {
  return visitor.page.evaluate(async ([url, init]) => {
    try {
      const response = await fetch(url, init)
      const fields = Object.fromEntries(response.headers)
      const bytes = new Uint8Array(await response.arrayBuffer())
      const coded = fields['content-type']?.startsWith('application/')
      const text = coded ? new TextDecoder().decode(bytes) : Array.from(bytes, byte => String.fromCharCode(byte)).join('')
      return { status: response.status, fields, text }
    } catch (error) {
      return { failed: String(error) }
    }
  }, [url, init])
}

function saving(visitor, gateway, url) {
  return visitor.page.evaluate(async ([client, url]) => {
    const { saveJSON } = await import(client)
    return saveJSON(url, 'data/menors.json').then(() => 'saved', error => error.message)
  }, [`${gateway}/client/unpad.js`, url])
}

function padded(visitor, portal) {
  return visitor.page.evaluate(url => new Promise(resolve => {
    window.arrived = () => resolve('ran')
    const script = document.createElement('script')
    script.src = url
    script.onerror = () => resolve('blocked')
    document.head.append(script)
  }), `${portal}/api/3/action/status_show?callback=arrived`)
}

function image(visitor, url) {
  return visitor.page.evaluate(url => new Promise(resolve => {
    const shown = new Image()
    shown.onload = () => resolve('shown')
    shown.onerror = () => resolve('blocked')
    shown.src = url
  }), url)
}

function opaque(visitor, url) {
  return visitor.page.evaluate(url => fetch(url, { mode: 'no-cors' }).then(response => response.type, error => error.name), url)
}

function digest(text) {
  return `sha-256=:${createHash('sha256').update(text).digest('base64')}:`
}
