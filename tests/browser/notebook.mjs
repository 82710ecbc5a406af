// A JupyterLite, used as a reader uses it: notebooks are opened by their address, cells are run with
// the keyboard, and what came of it is read from the page. So it is the same whether the site lets
// scripts at its insides (`exposeAppInBrowser`) or not, as sites do that nobody has configured.

import fs from 'node:fs'
import path from 'node:path'
import { ISOLATED, serve } from './serving.mjs'

const KERNELS = {
  python: { name: 'python', display_name: 'Python (Pyodide)', language: 'python' },
  javascript: { name: 'javascript', display_name: 'JavaScript', language: 'javascript' }
}
// For a cell, and for the start of a kernel: several times what either takes on two busy cores.
const CELL = 60_000
const NOW = '2026-11-25T00:00:00Z'

// What Python prints when a cell has run to its end.
export const END = '\u220e'

// `folder`: a site that site.py has built. `notebooks`: what it brings, by name.
export async function startLab({ open, folder, isolated, exposed, notebooks }) {
  const site = await serve({ folder, made: made(folder, exposed, notebooks), fields: isolated ? ISOLATED : {} })
  const context = await open({ viewport: { width: 1280, height: 800 } })
  if (isolated) await context.addInitScript(waitInAnyCase)
  const page = await context.newPage()
  const complaints = []
  page.on('pageerror', error => complaints.push(String(error)))
  page.on('console', message => message.type() === 'error' && complaints.push(message.text()))
  return {
    page,
    complaints,
    origin: site.origin,
    openNotebook: name => openNotebook(page, site.origin, name),
    close: async () => {
      await context.close()
      site.close()
    }
  }
}

// A notebook of these cells.
export function notebook(cells, kernel = 'python') {
  return {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { kernelspec: KERNELS[kernel] ?? { name: kernel, display_name: kernel, language: 'javascript' } },
    cells: cells.map((source, index) => ({ id: `cell-${index}`, cell_type: 'code', metadata: {}, execution_count: null, outputs: [], source }))
  }
}

// A cell of Python that tells when all it prints is in the page.
export function python(code) {
  return `${code}\nprint("${END}")`
}

function made(folder, exposed, notebooks) {
  const config = JSON.parse(fs.readFileSync(path.join(folder, 'jupyter-lite.json'), 'utf8'))
  Object.assign(config['jupyter-config-data'], {
    exposeAppInBrowser: exposed,
    contentsAllJsonFile: 'all.json',
    // Cells out of sight stay in the page, where they are looked at.
    settingsOverrides: { '@jupyterlab/notebook-extension:tracker': { windowingMode: 'none' } }
  })
  const entry = { format: 'json', writable: true, created: NOW, last_modified: NOW, size: 1 }
  const content = Object.keys(notebooks)
    .map(name => ({ ...entry, name, path: name, type: 'notebook', mimetype: 'application/json', content: null }))
  return {
    '/jupyter-lite.json': JSON.stringify(config),
    '/api/contents/all.json': JSON.stringify({ ...entry, name: '', path: '', type: 'directory', mimetype: '', content }),
    ...Object.fromEntries(Object.entries(notebooks).map(([name, value]) => [`/files/${name}`, JSON.stringify(value)]))
  }
}

// Where a page is isolated, JupyterLite 0.8.6 waits for its kernel by Atomics.waitAsync and takes for
// granted that there is something to wait for. A worker that was faster makes it lose a message: a cell
// stays at [*], or the kernel never starts. That is not what is tried here.
function waitInAnyCase() {
  const { waitAsync } = Atomics
  Atomics.waitAsync = (...given) => {
    const { async, value } = waitAsync(...given)
    return { async: true, value: async ? value : Promise.resolve(value) }
  }
}

// The first by its address; others from the file browser, as a page that is loaded again opens those it had too.
async function openNotebook(page, origin, name) {
  if (page.url() === 'about:blank') await page.goto(`${origin}/lab/index.html?path=${encodeURIComponent(name)}`)
  else await page.locator('.jp-DirListing-item', { hasText: name }).dblclick()
  await page.locator('.lm-DockPanel-tabBar .lm-mod-current', { hasText: name }).waitFor({ timeout: CELL })
  const cells = page.locator('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell')
  await cells.first().waitFor({ timeout: CELL })
  return {
    // Runs a cell. It has ended when it shows what `until` says, or an error; without `until`, when it
    // shows its number.
    run: async (index, until) => {
      const cell = cells.nth(index)
      await cell.locator('.jp-InputPrompt').first().click()
      await page.keyboard.press('Shift+Enter')
      const handle = await cell.elementHandle()
      await page.waitForFunction(([cell, until]) => {
        const shown = cell.querySelector('.jp-OutputArea')?.textContent ?? ''
        if (shown.includes('Traceback (most recent call last)')) return true
        return until ? shown.includes(until) : /\[\d+\]/.test(cell.querySelector('.jp-InputPrompt').textContent)
      }, [handle, until], { timeout: CELL }).catch(async () => {
        throw new Error(`cell ${index + 1} does not end; it shows ${JSON.stringify(await cell.innerText())}`)
      })
      const outputs = await cell.locator('.jp-OutputArea-output').allTextContents()
      return {
        text: outputs.join('\n').replace(END, '').trim(),
        error: outputs.find(each => each.includes('Traceback (most recent call last)'))
      }
    }
  }
}
