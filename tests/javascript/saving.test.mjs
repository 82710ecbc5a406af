import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { contentsManager, gateway, indexedDatabases, load, send } from './world.mjs'

// Windows-1252, a mark of UTF-8 at the beginning, and a number that JavaScript would round.
const LATIN = Buffer.from('població;1\n', 'latin1')
const MARKED = Buffer.from('\ufeffa;é\n')
const LARGE = '{"id": 9007199254740993, "x": 1.0}'

let world
beforeEach(async () => {
  world = await gateway({
    '/p/city/a.json': (_, response) => send(response, LARGE),
    '/p/city/latin.csv': (_, response) => send(response, LATIN, 200, { 'content-type': 'text/csv; charset=iso-8859-1' }),
    '/p/city/marked.csv': (_, response) => send(response, MARKED, 200, { 'content-type': 'text/csv' })
  })
})
afterEach(async () => {
  for (const name of ['indexedDB', 'location', 'jupyterapp', 'parent', 'document', 'window', 'saveJSONP']) delete globalThis[name]
  await world.close()
})

const storage = path => `JupyterLite Storage - ${path}`
// A worker at `href`, on an origin that has these databases.
const workerAt = (href, databases) => {
  globalThis.location = new URL(href)
  globalThis.indexedDB = indexedDatabases(databases)
}
const bytesOf = record => Buffer.from(record.content, record.format === 'base64' ? 'base64' : 'utf8')

test('through the contents manager, bytes are saved as they came, in folders that are made first', async () => {
  const files = new Map()
  const contents = contentsManager(files)
  globalThis.jupyterapp = { serviceManager: { contents } }
  const saved = await world.unpad.save('city/a.json', '/data/new/a.json')
  assert.deepEqual([saved.path, saved.bytes, saved.provenance.gatewayURL], ['data/new/a.json', LARGE.length, `${world.base}/p/city/a.json`])
  assert.deepEqual(contents.made, ['data', 'data/new', 'data/new/a.json'])
  assert.deepEqual([files.get('data').type, files.get('data/new/a.json').format, files.get('data/new/a.json').content], ['directory', 'text', LARGE])
})

test('text that UTF-8 cannot give back is saved as base64, and text that has a mark keeps it', async () => {
  const files = new Map()
  globalThis.jupyterapp = { serviceManager: { contents: contentsManager(files) } }
  await world.unpad.save('city/latin.csv', 'latin.csv')
  await world.unpad.save('city/marked.csv', 'marked.csv')
  await world.unpad.save('city/a.json', 'a.bin', { binary: true, mimeType: 'application/x-thing' })
  assert.deepEqual(['latin.csv', 'marked.csv', 'a.bin'].map(name => [files.get(name).format, files.get(name).mimetype]),
    [['base64', 'text/csv'], ['text', 'text/csv'], ['base64', 'application/x-thing']])
  assert.deepEqual(['latin.csv', 'marked.csv', 'a.bin'].map(name => bytesOf(files.get(name))), [LATIN, MARKED, Buffer.from(LARGE)])
})

test('two calls at once below the same new folder both succeed, with either way', async () => {
  const files = new Map()
  const contents = contentsManager(files)
  globalThis.jupyterapp = { serviceManager: { contents } }
  await Promise.all(['a', 'b', 'c'].map(name => world.unpad.save('city/a.json', `data/${name}.json`)))
  // The folder once and first; which file comes next is up to the network.
  const [folder, ...made] = contents.made
  assert.deepEqual([folder, ...made.sort()], ['data', 'data/a.json', 'data/b.json', 'data/c.json'])
  delete globalThis.jupyterapp
  const databases = { [storage('/')]: { files: new Map() } }
  workerAt('http://127.0.0.1/x.js', databases)
  await Promise.all(['a', 'b', 'c'].map(name => world.unpad.save('city/a.json', `data/${name}.json`)))
  assert.deepEqual([...databases[storage('/')].files.keys()].sort(), ['data', 'data/a.json', 'data/b.json', 'data/c.json'])
})

test('a call that fails does not stand in the way of the next', async () => {
  const files = new Map([['data', { type: 'file' }]])
  globalThis.jupyterapp = { serviceManager: { contents: contentsManager(files) } }
  const [first, second] = await Promise.allSettled([world.unpad.save('city/a.json', 'data/a.json'), world.unpad.save('city/a.json', 'a.json')])
  assert.deepEqual([first.reason.type, second.value.path], ['path-taken', 'a.json'])
})

test('the application is found in a window above, unless that is of another site', async () => {
  const files = new Map()
  globalThis.parent = { jupyterapp: { serviceManager: { contents: contentsManager(files) } } }
  await world.unpad.save('city/a.json', 'a.json')
  assert.ok(files.has('a.json'))
  globalThis.parent = { get jupyterapp() { throw new Error('SecurityError') } }
  await assert.rejects(world.unpad.save('city/a.json', 'a.json'), { type: 'no-files' })
})

test('in IndexedDB, the record of a file has all its members, and folders have records', async () => {
  const databases = { [storage('/lite/')]: { files: new Map([['data', { type: 'directory', created: 'before' }]]) } }
  workerAt('http://127.0.0.1/lite/extensions/kernel.js', databases)
  await world.unpad.save('city/a.json', 'data/new/a.json')
  const { files } = databases[storage('/lite/')]
  const { created, last_modified, ...record } = files.get('data/new/a.json')
  assert.deepEqual(record, { name: 'a.json', path: 'data/new/a.json', type: 'file', writable: true, mimetype: 'application/json', format: 'text', content: LARGE, size: LARGE.length })
  assert.equal(new Date(created).toISOString(), last_modified)
  assert.deepEqual(files.get('data'), { type: 'directory', created: 'before' })
  const folder = files.get('data/new')
  assert.deepEqual([folder.name, folder.path, folder.type, folder.format, folder.mimetype, folder.content, folder.size], ['new', 'data/new', 'directory', 'json', '', null, 0])
  files.set('data/new/a.json', { ...files.get('data/new/a.json'), created: 'then' })
  await world.unpad.save('city/latin.csv', 'data/new/a.json')
  const again = databases[storage('/lite/')].files.get('data/new/a.json')
  assert.deepEqual([again.created, again.size], ['then', LATIN.length])
  assert.equal(globalThis.indexedDB.opened, 0)
})

test('nothing takes the place of a folder, and no file that of a folder', async () => {
  const make = () => new Map([['data', { type: 'directory' }], ['a.json', { type: 'file' }]])
  const databases = { [storage('/')]: { files: make() } }
  for (const through of [
    () => { globalThis.jupyterapp = { serviceManager: { contents: contentsManager(make()) } } },
    () => { delete globalThis.jupyterapp; workerAt('http://127.0.0.1/x.js', databases) }
  ]) {
    through()
    await assert.rejects(world.unpad.save('city/a.json', 'data'), { name: 'UnpadError', type: 'path-taken', detail: '“data” is a folder.' })
    await assert.rejects(world.unpad.save('city/a.json', 'a.json/b/c.json'), { name: 'UnpadError', type: 'path-taken', detail: '“a.json” is a file.' })
  }
  assert.deepEqual(databases[storage('/')].files, make())
  assert.equal(globalThis.indexedDB.opened, 0)
})

test('of several JupyterLite sites the one is chosen that the page or worker belongs to', async () => {
  const databases = Object.fromEntries(['/', '/lite/', '/lite/two/'].map(path => [storage(path), { files: new Map() }]))
  for (const [href, path] of [['/lite/two/x.js', '/lite/two/'], ['/lite/x.js', '/lite/'], ['/other/x.js', '/']]) {
    workerAt(`http://127.0.0.1${href}`, databases)
    await world.unpad.save('city/a.json', 'a.json')
    assert.deepEqual(Object.entries(databases).filter(([, { files }]) => files.size > 0).map(([name]) => name), [storage(path)])
    databases[storage(path)].files.clear()
  }
  globalThis.location = new URL('about:srcdoc')
  globalThis.document = { baseURI: 'http://127.0.0.1/lite/lab/index.html' }
  await world.unpad.save('city/a.json', 'a.json')
  assert.equal(databases[storage('/lite/')].files.size, 1)
})

test('a worker that cannot know where it is writes to the only site, and to none of several', async () => {
  const one = { [storage('/lite/')]: { files: new Map() } }
  workerAt('blob:http://127.0.0.1/0e1a', one)
  await world.unpad.save('city/a.json', 'a.json')
  assert.equal(one[storage('/lite/')].files.size, 1)
  workerAt('blob:http://127.0.0.1/0e1a', { ...one, [storage('/two/')]: { files: new Map() } })
  await assert.rejects(world.unpad.save('city/a.json', 'b.json'), { type: 'no-files', detail: /several JupyterLite sites/ })
})

test('where there are no files to write, the error has the Python to paste', async () => {
  for (const [href, databases, why] of [
    ['http://127.0.0.1/page.html', { other: { files: new Map() } }, /There is no JupyterLite here/],
    ['http://127.0.0.1/page.html', { [storage('/lite/')]: { files: new Map() } }, /at another path/],
    ['http://127.0.0.1/page.html', { [storage('/')]: {} }, /has no files yet/],
    ['http://127.0.0.1/page.html', { 'JupyterLite Storage': {} }, /has no files yet/]
  ]) {
    workerAt(href, databases)
    const error = await world.unpad.save('city/a.json', 'data/a.json').catch(error => error)
    assert.match(error.detail, why)
    assert.equal(error.advice, `In a Python cell:\n%pip install ${world.base}/client/unpad-0.1.0-py3-none-any.whl\nimport unpad\nawait unpad.save("city/a.json", "data/a.json")`)
    assert.ok(Object.values(databases).every(({ files }) => !files?.size))
  }
  assert.equal(globalThis.indexedDB.opened, 0)
})

test('the wheel of the Python to paste is the one that the index names, and a page is told of downloads', async () => {
  const { unpad, base, close, asked } = await gateway({ '/simple/unpad/': { files: [{ url: '../../client/unpad-0.2.0-py3-none-any.whl' }] } })
  globalThis.document = { baseURI: 'https://page.example/' }
  const error = await unpad.save('city/a.json', 'data/a.json').catch(error => error)
  assert.match(error.advice, new RegExp(`^%pip install ${base}/client/unpad-0\\.2\\.0-py3-none-any\\.whl$`, 'm'))
  assert.match(error.advice, /unpad\.download\("city\/a\.json", "a\.json"\)/)
  assert.equal(asked[0].fields.accept, 'application/vnd.pypi.simple.v1+json')
  await close()
})

test('a path has to name a file below the root', async () => {
  globalThis.jupyterapp = { serviceManager: { contents: contentsManager(new Map()) } }
  for (const path of ['', '/', 'data/', 'data/.', '../a.json', 'a/../b.json', undefined])
    await assert.rejects(world.unpad.save('city/a.json', path), { name: 'UnpadError', title: 'This is no path of a file' }, path)
  assert.equal((await world.unpad.save('city/a.json', './a.json')).path, 'a.json')
})

test('what cannot be read whole is not written', async () => {
  const files = new Map()
  globalThis.jupyterapp = { serviceManager: { contents: contentsManager(files) } }
  await assert.rejects(world.unpad.save('city/none.json', 'none.json'), { name: 'UnpadError', status: 404 })
  assert.equal(files.size, 0)
})

test('cells that call saveJSONP go on working', async () => {
  const files = new Map()
  globalThis.jupyterapp = { serviceManager: { contents: contentsManager(files) } }
  globalThis.window = {}
  await load(`${world.base}/client/saveJSONP.js`)
  assert.equal(globalThis.window.saveJSONP, globalThis.saveJSONP)
  await globalThis.saveJSONP('city/a.json', 'data/a.json')
  await globalThis.saveJSONP('city/a.json', 'data/b.bin', 'application/x-thing', true)
  assert.deepEqual(['data/a.json', 'data/b.bin'].map(name => [files.get(name).mimetype, files.get(name).format]), [['text/json', 'text'], ['application/x-thing', 'base64']])
})

test('a dataset is saved as its one resource of the format that the path ends with, else as its description', async () => {
  const files = new Map()
  globalThis.jupyterapp = { serviceManager: { contents: contentsManager(files) } }
  const show = { success: true, result: { license_url: 'https://licence.example/', resources: [
    { id: 'r1', name: 'A', format: '.Csv' }, { id: 'r2', name: 'B\u2028alert(1)', format: 'GeoJSON' }, { id: 'r3', name: 'C', format: 'geojson' }, { id: 'r4', name: 'D', format: '../../x' }] } }
  const own = await gateway({
    '/p/city/api/3/action/package_show': show,
    '/p/city/-/resource/r1': (_, response) => send(response, LATIN, 200, { 'content-type': 'text/csv' })
  })
  try {
    const saved = await own.unpad.save('city/dataset/air', 'data/x.CSV')
    assert.deepEqual([bytesOf(files.get('data/x.CSV')), saved.provenance.licence], [LATIN, 'https://licence.example/'])
    for (const path of ['x', 'x.JSON', '.csv']) {
      await own.unpad.save('city/dataset/air', path)
      assert.deepEqual(JSON.parse(bytesOf(files.get(path))), show)
    }
    await assert.rejects(own.unpad.save('city/dataset/air', 'data/x.geojson'), {
      type: 'which-resource', title: 'The dataset has 2 GEOJSON files',
      // Pasted, a name is a comment to its end.
      advice: 'await unpad.save("city/-/resource/r2", "data/x.geojson")  // B alert(1), GeoJSON\nawait unpad.save("city/-/resource/r3", "data/x.geojson")  // C, geojson'
    })
    await assert.rejects(own.unpad.save('city/dataset/air', 'data/x.xlsx'), error => error.title === 'The dataset has no XLSX file' &&
      error.advice.includes('await unpad.save("city/-/resource/r1", "data/x.csv")  // A, .Csv') && error.advice.includes('save("city/-/resource/r4", "data/x.xlsx")'))
    assert.equal(files.has('data/x.geojson'), false)
  } finally {
    await own.close()
  }
})

test('arguments of save that are swapped are said to be', async () => {
  await assert.rejects(world.unpad.save('data/x.csv', 'https://city.example/x.csv'), { name: 'UnpadError', advice: 'The two look swapped. The reference comes first: await unpad.save("https://city.example/x.csv", "data/x.csv")' })
  await assert.rejects(world.unpad.save('city/dataset/air', 'https://city.example/x.csv'), { advice: 'Give a path, as in await unpad.save("city/dataset/air", "data.csv")' })
})

test('a download has the name that is given or sent, and a dataset the file that the name asks for', async t => {
  // Its link is given up after a minute, for which the test does not wait.
  const { setTimeout } = globalThis
  t.mock.method(globalThis, 'setTimeout', (...given) => setTimeout(...given).unref())
  const link = { click() {} }
  globalThis.document = { createElement: () => link }
  const own = await gateway({
    '/p/city/api/3/action/package_show': { success: true, result: { resources: [{ id: 'r1', name: 'A', format: 'CSV' }] } },
    '/p/city/-/resource/r1': (_, response) => send(response, LATIN, 200, { 'content-type': 'text/csv' }),
    '/p/city/b': (_, response) => send(response, LATIN, 200, { 'content-disposition': 'attachment; filename="b.csv"; filename*=UTF-8\'\'%c3' })
  })
  try {
    for (const [reference, name, sent] of [['city/dataset/air', 'air.csv', 'air.csv'], ['city/b', undefined, 'b.csv']]) {
      const saved = await own.unpad.download(reference, name)
      assert.deepEqual([saved.path, saved.bytes], [sent, LATIN.length])
    }
  } finally {
    await own.close()
  }
})
