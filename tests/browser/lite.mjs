// The clients in JupyterLite: notebooks install from the gateway, save, and read back what they saved.
//
// A site may be isolated (its pages share memory with workers) or not, and may let scripts at its
// insides (`exposeAppInBrowser`) or not, as it is where nobody has configured it. What a client can do
// depends on both.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import path from 'node:path'
import { END, notebook, python, startLab } from './notebook.mjs'
import { page } from './serving.mjs'

const DATASET = 'qualitat-aire-mesures'
const TABLE = 'e5f516c7-456f-50aa-804b-81826abed5b5'
const REFERENCE = `demo/dataset/${DATASET}`
const VERSION = '0.1.0'

export async function lite({ checks, open, gateway, portal, sites, shots }) {
  const wheel = `${gateway}/client/unpad-${VERSION}-py3-none-any.whl`
  const client = JSON.stringify(`${gateway}/client/unpad.js`)
  const demo = `${gateway}/p/demo/api/3/action`
  const shown = await read(`${demo}/package_show?id=${DATASET}`)
  const retrieved = Date.parse((await fetch(`${demo}/package_show?id=${DATASET}`)).headers.get('date'))
  const rows = await read(`${demo}/datastore_search?resource_id=${TABLE}&limit=5`)
  const sum = await sumOfMeasurements(`${gateway}/p/demo/-/resource/${TABLE}`)
  const closed = await page()
  closed.close()

  // --- Cells ---

  const install = line => ({
    title: `${line.replace(gateway, '…')}`,
    cell: python(`${line.startsWith('%') ? '' : 'import micropip, piplite\n'}${line}\nimport unpad\nprint(unpad.gateway())`),
    holds: ({ text }) => {
      assert.equal(text.trim().split('\n').at(-1), gateway)
      return 'and it knows its gateway'
    }
  })
  const written = (file, bytes) => ({
    title: `open("${file}") reads back the bytes that the gateway sends`,
    cell: python(`import hashlib, os\ncontent = open("${file}", "rb").read()\nprint(os.path.getsize("${file}"), hashlib.sha256(content).hexdigest())`),
    holds: ({ text }) => {
      assert.equal(text, `${bytes.length} ${sha256(bytes)}`)
      return text
    }
  })
  const save = [
    {
      title: `save("${REFERENCE}", "data/menors.json")`,
      cell: python(`saved = await unpad.save("${REFERENCE}", "data/menors.json")\nprint(unpad.provenance(saved).sha256, unpad.provenance(saved).retrieved.timestamp())\nprint(unpad.provenance(saved).cite())`),
      holds: ({ text }) => {
        const [told, citation] = text.split('\n').slice(-2)
        // A cache keeps the Date of what it keeps, so that it goes on telling when the portal was asked.
        assert.equal(told, `${sha256(shown)} ${retrieved / 1000}.0`)
        assert.ok(citation.includes(`Source: ${portal}/api/3/action/package_show?id=${DATASET}`), citation)
        return citation
      }
    },
    written('data/menors.json', shown),
    {
      title: 'the file is in the file browser',
      holds: async ({ page, exposed, name }) => {
        const entry = text => page.locator('.jp-DirListing-item', { hasText: text })
        await entry('data').dblclick()
        await entry('menors.json').waitFor()
        await page.screenshot({ path: path.join(shots, `jupyterlite-${name}.png`) })
        const model = exposed
          ? await page.evaluate(() => window.jupyterapp.serviceManager.contents.get('data/menors.json', { content: true }))
          : await stored(page, 'data/menors.json')
        assert.deepEqual([model.type, model.path, model.size], ['file', 'data/menors.json', shown.length])
        return exposed ? 'and in the contents manager' : 'and in the storage of the site'
      }
    }
  ]
  const verbs = [
    {
      title: 'datasets and resources',
      cell: python('found = await unpad.datasets("demo", "aire")\nprint(found.total, found[0]["name"])\nfiles = await unpad.resources(found[0])\nprint([one["format"] for one in files])'),
      holds: ({ text }) => {
        assert.equal(text, `9 ${DATASET}\n['CSV', 'PDF']`)
        return text
      }
    },
    {
      title: 'read_csv, with the digits of big integers',
      cell: python(`rows = await unpad.read_csv("${REFERENCE}")\nprint(len(rows), sum(int(row["id_mesura"]) for row in rows), rows[0]["municipi"])`),
      holds: ({ text }) => {
        assert.equal(text.split('\n').at(-1), `2400 ${sum} l'Hospitalet de Llobregat`)
        return text.split('\n').at(-1)
      }
    },
    {
      title: 'table, with the digits of big integers',
      cell: python(`rows = await unpad.table("demo", "${TABLE}")\nprint(len(rows), sum(row["id_mesura"] for row in rows), rows.total)`),
      holds: ({ text }) => {
        assert.equal(text.split('\n').at(-1), `2400 ${sum} 2400`)
        return text.split('\n').at(-1)
      }
    },
    {
      title: 'sync.read_json in the worker of the kernel',
      cell: python(`dataset = unpad.sync.read_json("${portal}/dataset/${DATASET}")\nprint(dataset["title"], unpad.provenance(dataset).licence)`),
      holds: ({ text }) => {
        assert.equal(text, "Qualitat de l'aire: mesures diàries http://www.opendefinition.org/licenses/cc-by")
        return text
      }
    },
    {
      title: 'an error of the portal is told',
      cell: python('await unpad.read_json("demo/dataset/none")'),
      fails: true,
      holds: ({ error }) => {
        assert.match(error, /NotFound: The portal says: Not Found Error/)
        return lastLines(error, 3)
      }
    },
    {
      title: 'an error of the gateway is told, with what to do',
      cell: python('await unpad.read_json("nowhere/dataset/none")'),
      fails: true,
      holds: ({ error }) => {
        assert.match(error, /\/portals lists/)
        return lastLines(error, 3)
      }
    },
    {
      title: 'a gateway that does not run is told, with likely causes',
      cell: python(`unpad.use("${closed.origin}")\ntry:\n    await unpad.read_json("${REFERENCE}")\nfinally:\n    unpad.use("${gateway}")`),
      fails: true,
      holds: ({ error }) => {
        assert.match(error, /GatewayUnreachable: /)
        assert.match(error, /[Ll]ikely causes?:/)
        return lastLines(error, 3)
      }
    }
  ]
  const magic = [
    {
      title: '%%javascript: saveJSON saves',
      cell: javascript('%%javascript', `const { saveJSON } = await import(${client})
  const { bytes } = await saveJSON("${demo}/datastore_search?resource_id=${TABLE}&limit=5", "new/folder/magic.json")
  return bytes`),
      holds: ({ text }) => assert.equal(text, `${rows.length}`)
    },
    written('new/folder/magic.json', rows),
    {
      title: '%%javascript: saveJSONP takes the arguments of old cells',
      cell: javascript('%%javascript', `await import("${gateway}/client/saveJSONP.js")
  await window.saveJSONP("${portal}/api/3/action/package_show?id=${DATASET}", "data/old.json", "text/json")
  return "saved"`),
      holds: ({ text }) => assert.equal(text, 'saved')
    },
    written('data/old.json', shown),
    {
      title: '%%javascript: big integers are what the caller chooses',
      cell: javascript('%%javascript', `const { readJSON } = await import(${client})
  const read = async integers => (await readJSON("${demo}/datastore_search?resource_id=${TABLE}&limit=5", { integers })).result.records[0].id_mesura
  const all = [await read("text"), await read("bigint"), await read("number")]
  return all.map(one => typeof one + " " + one).join(", ")`),
      holds: ({ text }) => {
        assert.equal(text, 'string 9007199254740993, bigint 9007199254740993, number 9007199254740992')
        return text
      }
    }
  ]
  const kernel = file => ({
    title: 'saveJSON saves from the kernel',
    cell: javascript('', `const { saveJSON } = await import(${client})
  const { bytes } = await saveJSON("${demo}/datastore_search?resource_id=${TABLE}&limit=5", "${file}")
  return bytes`),
    holds: ({ text }) => assert.equal(text.split('\n').at(-1), `${rows.length}`)
  })

  // --- Sites ---

  await session({ title: 'not isolated, exposed', site: 'next', name: 'exposed', isolated: false, exposed: true }, [
    { name: 'frame', kernel: 'javascript', steps: [kernel('data/frame.json')] },
    { name: 'worker', kernel: 'javascript-worker', steps: [kernel('data/worker.json')] },
    {
      name: 'python',
      steps: [written('data/frame.json', rows), written('data/worker.json', rows), install(`%pip install ${wheel}`),
        ...save, ...verbs, ...magic,
        install(`micropip.uninstall("unpad"); await micropip.install("unpad", index_urls="${gateway}/simple")`)]
    }
  ])
  await session({ title: 'isolated, stock', site: 'stable', name: 'stock', isolated: true, exposed: false }, [
    { name: 'worker', kernel: 'javascript', steps: [kernel('data/worker.json')] },
    { name: 'python', steps: [written('data/worker.json', rows), install(`await micropip.install("${wheel}")`), ...save, ...verbs, ...magic] }
  ])
  await session({ title: 'isolated, exposed', site: 'stable', name: 'isolated-exposed', isolated: true, exposed: true }, [
    { name: 'python', steps: [install(`await piplite.install("${wheel}")`), ...save, ...magic] }
  ])

  async function session({ title, site, name, isolated, exposed }, books) {
    checks.heading(`JupyterLite, ${title}`)
    const notebooks = {}
    for (const { name, kernel, steps } of books) {
      notebooks[`${name}.ipynb`] = notebook(steps.flatMap(step => step.cell ?? []), kernel)
    }
    const lab = await startLab({ open, isolated, exposed, folder: path.join(sites, site), notebooks })
    try {
      for (const book of books) await run(book, lab, { name, isolated, exposed })
    } finally {
      await lab.close()
    }
  }

  async function run(book, lab, { name, isolated, exposed }) {
    let opened
    await checks.check(`${book.name}.ipynb opens, with a kernel for ${book.kernel ?? 'python'}`, async () => {
      opened = await lab.openNotebook(`${book.name}.ipynb`)
      assert.equal(await lab.page.evaluate(() => crossOriginIsolated), isolated)
      assert.equal(await lab.page.evaluate(() => typeof window.jupyterapp === 'object'), exposed)
    })
    if (!opened) return
    const cells = book.steps.filter(step => step.cell !== undefined)
    for (const step of book.steps) {
      const held = await checks.check(step.title, async () => {
        if (step.cell === undefined) return step.holds({ page: lab.page, name, exposed })
        const answer = await opened.run(cells.indexOf(step), END)
        if (!step.fails) assert.equal(answer.error, undefined, answer.error)
        return step.holds(answer)
      })
      if (held) continue
      for (const each of lab.complaints.splice(0).slice(-5)) console.log(`         the page says: ${each.slice(0, 500)}`)
      await lab.page.screenshot({ path: path.join(shots, `failed-${name}-${book.name}-${book.steps.indexOf(step)}.png`) })
    }
  }
}

// A cell of JavaScript that tells what `body` returns: in the output of a Python notebook's `%%javascript`, or
// on the console of a kernel that has no `await` outside of functions.
function javascript(magic, body) {
  const tell = magic ? 'element.append' : 'console.log'
  return `${magic}
(async () => {
  ${body}
})().then(said => ${tell}(said + "${END}"), error => ${tell}("FAILED: " + error.message + "${END}"))`.trim()
}

// A file as the site keeps it.
function stored(page, file) {
  return page.evaluate(async file => {
    const database = await new Promise((resolve, reject) => {
      const opening = indexedDB.open('JupyterLite Storage - /')
      opening.onsuccess = () => resolve(opening.result)
      opening.onerror = () => reject(opening.error)
    })
    const asked = database.transaction('files').objectStore('files').get(file)
    const model = await new Promise(resolve => { asked.onsuccess = () => resolve(asked.result) })
    database.close()
    return model
  }, file)
}

async function read(url) {
  const response = await fetch(url)
  assert.equal(response.status, 200, url)
  return Buffer.from(await response.arrayBuffer())
}

async function sumOfMeasurements(url) {
  const [, ...lines] = (await read(url)).toString().trim().split('\n')
  return lines.reduce((sum, line) => sum + BigInt(line.slice(0, line.indexOf(','))), 0n)
}

function lastLines(text, count) {
  return text.trim().split('\n').slice(-count).join(' | ')
}

function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex')
}
