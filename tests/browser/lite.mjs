// The clients in JupyterLite: a notebook installs from the gateway, saves, and reads back.
//
// A site may be isolated (its pages may share memory with workers) or not, and may let scripts at its
// insides (`exposeAppInBrowser`) or not; what a client can do depends on both.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import path from 'node:path'
import { END, ending, notebook, startLab } from './notebook.mjs'

const DATASET = 'qualitat-aire-mesures'
const TABLE = 'e5f516c7-456f-50aa-804b-81826abed5b5'
const REFERENCE = `demo/dataset/${DATASET}`
const VERSION = '0.1.0'

export async function lite({ checks, open, gateway, sites, shots }) {
  const wheel = `${gateway}/client/unpad-${VERSION}-py3-none-any.whl`
  const show = `${gateway}/p/demo/api/3/action/package_show?id=${DATASET}`
  const search = `${gateway}/p/demo/api/3/action/datastore_search?resource_id=${TABLE}&limit=5`
  const sent = Buffer.from(await (await fetch(show)).arrayBuffer())
  const lab = startLab

  const install = line => ({
    title: `it is installed by ${line.replaceAll(gateway, '…')}`,
    cell: ending(`${line.startsWith('%') ? '' : 'import micropip, piplite\n'}${line}\nimport unpad\nprint(unpad.gateway())`),
    holds: ({ text }) => {
      assert.equal(text.trim().split('\n').at(-1), gateway)
      return 'and knows its gateway'
    }
  })
  const save = [
    {
      title: 'save writes a dataset to data/menors.json',
      cell: ending(`saved = await unpad.save("${REFERENCE}", "data/menors.json")\nprint(saved)`),
      holds: ({ text }) => text.split('\n').at(-1)
    },
    {
      title: 'open reads back the bytes that the gateway sends',
      cell: ending('import hashlib, os\ncontent = open("data/menors.json", "rb").read()\nprint(os.getcwd(), len(content), os.path.getsize("data/menors.json"), hashlib.sha256(content).hexdigest())'),
      holds: ({ text }) => {
        assert.equal(text, `/drive ${sent.length} ${sent.length} ${sha256(sent)}`)
        return text
      }
    }
  ]

  await session({ title: 'JupyterLite, isolated, exposed', isolated: true, exposed: true, site: 'next', name: 'first' }, [
    install(`%pip install ${wheel}`),
    ...save
  ])

  async function session({ title, isolated, exposed, site, name, kernel }, steps) {
    checks.heading(title)
    const cells = steps.filter(step => step.cell !== undefined)
    const book = `${name}.ipynb`
    const lab = await startLab({
      open, isolated, exposed, folder: path.join(sites, site), notebooks: { [book]: notebook(cells.map(step => step.cell), kernel) }
    })
    try {
      let open
      await checks.check('the notebook opens', async () => {
        open = await lab.openNotebook(book)
        assert.equal(await lab.page.evaluate(() => crossOriginIsolated), isolated)
        assert.equal(await lab.page.evaluate(() => typeof window.jupyterapp === 'object'), exposed)
      })
      if (!open) return
      for (const step of steps) {
        const held = await checks.check(step.title, async () => {
          if (step.cell === undefined) return step.holds(lab)
          const answer = await open.run(cells.indexOf(step), step.until ?? END)
          if (!step.fails) assert.equal(answer.error, undefined, answer.error)
          return step.holds(answer)
        })
        if (!held) await lab.page.screenshot({ path: path.join(shots, `failed-${name}-${steps.indexOf(step)}.png`) })
      }
    } finally {
      await lab.close()
    }
  }
}

function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex')
}
