// Runs the blocks of docs/notebooks.md that are marked: `run: lite` and `run: pyodide` as the cells of a
// notebook, in their order, and `run: web` as scripts of a page of another origin.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { END, notebook, python, startLab } from './notebook.mjs'

const DOCUMENT = path.join(import.meta.dirname, '../../docs/notebooks.md')
const ADDRESS = 'http://127.0.0.1:8080'
const MARKED = /^<!-- run: (\w+) -->\n```\w+\n(.*?)^```$/gms

export async function docs({ checks, open, gateway, pages, sites, shots }) {
  checks.heading('docs/notebooks.md')
  const text = fs.readFileSync(DOCUMENT, 'utf8').replaceAll(ADDRESS, gateway)
  const blocks = [...text.matchAll(MARKED)].map(([, where, code]) => ({ where, code }))
  const web = blocks.filter(each => each.where === 'web')
  const cells = blocks.filter(each => ['lite', 'pyodide'].includes(each.where))
  assert.ok(web.length > 0 && cells.length > 0, 'nothing is marked')

  const context = await open()
  const page = await context.newPage()
  await page.goto(pages.plain)
  for (const { code } of web) {
    await checks.check(`a page: ${last(code)}`, async () => {
      const names = [...code.matchAll(/^const (\w+)/gm)].map(([, name]) => name)
      return page.evaluate(`(async () => { ${code}\n return JSON.stringify({ ${names.join(', ')} }, null, 0).slice(0, 120) })()`)
    })
  }
  await context.close()

  // What comes after an installation of its own starts as a reader's notebook does: with nothing.
  const names = { 'lite.ipynb': 'lite', 'pyodide.ipynb': 'pyodide' }
  const of = where => cells.filter(each => each.where === where)
  const notebooks = Object.fromEntries(Object.entries(names).map(([name, where]) => [name, notebook(of(where).map(({ code }) => isScript(code) ? code : python(code)))]))
  const lab = await startLab({ open, folder: path.join(sites, 'stable'), isolated: false, exposed: false, notebooks })
  for (const [name, where] of Object.entries(names)) {
    await checks.check(`${name}: its ${of(where).length} blocks`, async () => {
      const opened = await lab.openNotebook(name)
      const said = []
      for (const [index, { code }] of of(where).entries()) {
        // A script tells what it saved; Python, that it has run to its end.
        const { text, error } = await opened.run(index, isScript(code) ? ' bytes' : END)
        assert.equal(error, undefined, error)
        said.push(text)
      }
      return said.filter(each => each !== '').join(' | ')
    })
  }
  await lab.page.screenshot({ path: path.join(shots, 'docs-notebook.png') })
  await lab.close()
}

function isScript(code) {
  return code.startsWith('%%javascript')
}

function last(code) {
  return code.trim().split('\n').at(-1)
}
