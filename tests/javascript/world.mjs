// What the tests need around the module: the module as a page loads it, a gateway that answers as a
// test wants, and what JupyterLite has of files.

import { createServer } from 'node:http'
import { readFile } from 'node:fs/promises'
import vm from 'node:vm'

const SOURCES = new URL('../../clients/javascript/', import.meta.url)

// A fresh copy of a module whose URL is the one it would have if a gateway served it. Node imports
// nothing over http, and in a page the URL is how the module finds its gateway.
export async function load(url) {
  const modules = new Map()
  const make = async at => {
    if (!modules.has(at)) {
      const name = new URL(at).pathname.split('/').pop()
      const text = await readFile(new URL(name, SOURCES), 'utf8')
      modules.set(at, new vm.SourceTextModule(text, { identifier: at, initializeImportMeta: meta => { meta.url = at } }))
    }
    return modules.get(at)
  }
  const module = await make(url)
  await module.link((specifier, from) => make(new URL(specifier, from.identifier).href))
  await module.evaluate()
  return module.namespace
}

// A gateway that answers each path with what `answers` has for it: a value, which is sent as JSON, or a
// function of the request and the response. It knows one CKAN portal, `city`.
export async function gateway(answers = {}) {
  const asked = []
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, 'http://gateway.invalid')
    asked.push({ path: url.pathname, query: Object.fromEntries(url.searchParams), fields: request.headers })
    const answer = answers[url.pathname]
    if (typeof answer === 'function') return answer(request, response, url)
    if (answer !== undefined) return send(response, answer)
    if (url.pathname === '/resolve') return send(response, resolved(url.searchParams.get('url')))
    return send(response, { type: 'about:blank', title: 'Not Found', status: 404, detail: 'No such path.' }, 404)
  })
  await new Promise(done => server.listen(0, '127.0.0.1', done))
  const base = `http://127.0.0.1:${server.address().port}`
  return {
    base,
    asked,
    unpad: await load(`${base}/client/unpad.js`),
    close: () => {
      server.closeAllConnections()
      return new Promise(done => server.close(done))
    }
  }
}

export function send(response, value, status = 200, fields = {}) {
  const raw = typeof value === 'string' || value instanceof Uint8Array
  const body = raw ? Buffer.from(value) : Buffer.from(JSON.stringify(value))
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length, ...fields })
  response.end(body)
}

function resolved(reference) {
  const path = reference.replace(/^\/p\//, '')
  const found = { portal: 'city', dialect: 'ckan', kind: 'file', dataset: null, resource: null, url: `/p/${path}` }
  const dataset = /^city\/dataset\/([^/]+)$/.exec(path)
  if (dataset) return { ...found, kind: 'dataset', dataset: dataset[1], url: `/p/city/api/3/action/package_show?id=${dataset[1]}` }
  if (path === 'city') return { ...found, kind: 'portal', url: '/p/city/' }
  return found
}

// A table of CKAN's datastore whose portal gives at most `most` rows at once. `change` may alter a result.
export function datastore(count, most, change = result => result) {
  return (request, response, url) => {
    const offset = Number(url.searchParams.get('offset'))
    const limit = Math.min(Number(url.searchParams.get('limit')), most)
    const records = Array.from({ length: Math.max(Math.min(limit, count - offset), 0) }, (_, at) => ({ _id: offset + at + 1 }))
    send(response, { success: true, result: change({ fields: [{ id: '_id', type: 'int' }], limit, records, total: count }, offset) })
  }
}

// As much of IndexedDB as a page needs that writes files: requests that answer later, transactions that
// take everything or nothing, and databases that exist or do not.
export function indexedDatabases(databases) {
  const request = (transaction, work) => {
    const asked = {}
    transaction.open += 1
    queueMicrotask(() => {
      if (!transaction.ended) {
        asked.result = work()
        asked.onsuccess?.({ target: asked })
      }
      transaction.open -= 1
      if (transaction.open === 0 && !transaction.ended) transaction.finish()
    })
    return asked
  }
  const begin = (stores, name) => {
    const staged = new Map(stores[name])
    const transaction = {
      open: 0,
      ended: false,
      error: null,
      abort() {
        this.ended = true
        queueMicrotask(() => this.onabort?.())
      },
      finish() {
        this.ended = true
        stores[name] = staged
        queueMicrotask(() => this.oncomplete?.())
      },
      objectStore: () => ({
        get: key => request(transaction, () => structuredClone(staged.get(key))),
        put: (value, key) => request(transaction, () => staged.set(key, structuredClone(value)))
      })
    }
    return transaction
  }
  return {
    opened: 0,
    databases: async () => Object.keys(databases).map(name => ({ name, version: 3 })),
    open(name) {
      const asked = {}
      queueMicrotask(() => {
        const stores = databases[name]
        this.opened += 1
        asked.result = {
          objectStoreNames: { contains: store => store in stores },
          transaction: store => begin(stores, store),
          close: () => { this.opened -= 1 }
        }
        asked.onsuccess()
      })
      return asked
    }
  }
}

// JupyterLite's contents manager: a folder has to be there before what is in it.
export function contentsManager(files) {
  const manager = {
    made: [],
    async get(path) {
      // What takes its time lets another call in between.
      await new Promise(done => setImmediate(done))
      if (!files.has(path)) throw new Error(`Could not find content with path ${path}`)
      return files.get(path)
    },
    async save(path, options) {
      const folder = path.split('/').slice(0, -1).join('/')
      if (folder && files.get(folder)?.type !== 'directory') throw new Error(`${folder} is missing`)
      await new Promise(done => setImmediate(done))
      manager.made.push(path)
      files.set(path, { ...options, path })
      return files.get(path)
    }
  }
  return manager
}
