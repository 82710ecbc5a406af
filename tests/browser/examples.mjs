// What examples/ has, run as it stands; only the gateway's address is another.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { startLab } from './notebook.mjs'
import { serve } from './serving.mjs'

const EXAMPLES = path.join(import.meta.dirname, '../../examples')
const ADDRESS = 'http://127.0.0.1:8080'
const SIZES = [
  { name: 'light', colorScheme: 'light', viewport: { width: 1000, height: 900 } },
  { name: 'dark', colorScheme: 'dark', viewport: { width: 1000, height: 900 } },
  { name: 'phone', colorScheme: 'light', viewport: { width: 375, height: 720 } }
]

export async function examples({ checks, open, gateway, portal, sites, shots }) {
  checks.heading('Examples')
  const site = await serve({ made: { '/': example('page/index.html', gateway) } })
  for (const { name, ...options } of SIZES) {
    await checks.check(`the page, ${name}`, async () => {
      const context = await open(options)
      const page = await context.newPage()
      const errors = []
      page.on('pageerror', error => errors.push(String(error)))
      await page.goto(`${site.origin}/`)
      await page.locator('footer a').first().waitFor({ timeout: 10_000 })
      assert.equal(await page.locator('tbody tr').count(), 20)
      const footer = await page.locator('footer').innerText()
      assert.match(footer, /^Qualitat de l'aire: mesures diàries, Ajuntament de Vilanova del Camí\. Licence: Creative Commons Attribution\. Retrieved on \d/)
      assert.match(await page.locator('footer a').first().getAttribute('href'), new RegExp(`^${portal}/`))
      const before = await page.locator('tbody').innerText()
      await page.getByText('O3', { exact: true }).click()
      assert.equal(await page.getByLabel('O3').isChecked(), true)
      assert.notEqual(await page.locator('tbody').innerText(), before)
      assert.match(await page.locator('caption').textContent(), /^Mean of O3 in µg\/m³/)
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'it is wider than the screen')
      assert.deepEqual(errors, [])
      await page.screenshot({ path: path.join(shots, `example-page-${name}.png`), fullPage: true })
      await context.close()
      return footer
    })
  }
  await checks.check('the page without its gateway says what to do', async () => {
    const gone = await serve({})
    gone.close()
    const lost = await serve({ made: { '/': example('page/index.html', gone.origin) } })
    const context = await open({ viewport: { width: 1000, height: 500 } })
    const page = await context.newPage()
    await page.goto(`${lost.origin}/`)
    const said = await page.getByRole('alert').innerText({ timeout: 10_000 })
    assert.match(said, /does not answer\.\nStart it with “unpad demo”/)
    await page.screenshot({ path: path.join(shots, 'example-page-lost.png') })
    await context.close()
    lost.close()
    return said.split('\n')[0]
  })
  site.close()

  const book = JSON.parse(example('aire.ipynb', gateway))
  await checks.check('the notebook has no outputs of ours', async () => {
    for (const cell of book.cells.filter(each => each.cell_type === 'code')) assert.deepEqual([cell.outputs, cell.execution_count], [[], null])
  })
  const lab = await startLab({ open, folder: path.join(sites, 'stable'), isolated: false, exposed: false, notebooks: { 'aire.ipynb': book } })
  const cells = book.cells.filter(each => each.cell_type === 'code').length
  await checks.check('the notebook, cell by cell, in a stock site', async () => {
    const opened = await lab.openNotebook('aire.ipynb')
    const said = []
    for (let index = 0; index < cells; index++) {
      const { text, error } = await opened.run(index)
      assert.equal(error, undefined, error)
      said.push(text)
    }
    assert.match(said[1], /^demo\/dataset\/qualitat-aire-mesures +CSV, PDF$/m)
    assert.match(said[2], /Qualitat de l'aire: mesures diàries/)
    assert.match(said[3], /^.+ +\d+\.\d  █+$/m)
    assert.match(said[4], /Licence: .*Retrieved: /)
    return said[4]
  })
  await lab.page.screenshot({ path: path.join(shots, 'example-notebook.png') })
  await lab.close()
}

function example(name, gateway) {
  const text = fs.readFileSync(path.join(EXAMPLES, name), 'utf8')
  assert.equal(text.split(ADDRESS).length, 2, `${name} names its gateway in one place`)
  return text.replace(ADDRESS, gateway)
}
