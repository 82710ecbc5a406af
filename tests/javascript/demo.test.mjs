// The module with the gateway itself and its demonstration portal.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { contentsManager, load } from './world.mjs'

const { GATEWAY, DEMO_PORTAL } = process.env
const unpad = await load(`${GATEWAY}/client/unpad.js`)
const DATASET = 'qualitat-aire-mesures'
const TABLE = 'e5f516c7-456f-50aa-804b-81826abed5b5'

test('the gateway serves the module and its types', async () => {
  for (const [name, type] of [['unpad.js', /javascript/], ['saveJSONP.js', /javascript/], ['unpad.d.ts', /./]]) {
    const response = await fetch(`${GATEWAY}/client/${name}`)
    assert.deepEqual([response.status, type.test(response.headers.get('content-type')), response.headers.get('access-control-allow-origin')], [200, true, '*'])
    await response.arrayBuffer()
  }
})

test('every form of a reference that people copy finds its way', async () => {
  for (const [reference, kind, dataset, resource] of [
    ['demo', 'portal', null, null],
    [`${DEMO_PORTAL}/dataset/${DATASET}`, 'dataset', DATASET, null],
    [`demo/dataset/${DATASET}`, 'dataset', DATASET, null],
    [`${DEMO_PORTAL}/dataset/${DATASET}/resource/${TABLE}`, 'resource', DATASET, TABLE],
    [`demo/-/resource/${TABLE}`, 'resource', null, TABLE],
    [`${GATEWAY}/p/demo/-/resource/${TABLE}`, 'resource', null, TABLE],
    [`${DEMO_PORTAL}/api/3/action/datastore_search?resource_id=${TABLE}`, 'table', null, TABLE],
    [`${DEMO_PORTAL}/datastore/dump/${TABLE}`, 'table', null, TABLE],
    [`${DEMO_PORTAL}/api/3/action/package_list`, 'api', null, null]
  ]) {
    const found = await unpad.resolve(reference)
    assert.deepEqual([found.portal, found.dialect, found.kind, found.dataset, found.resource], ['demo', 'ckan', kind, dataset, resource], reference)
    assert.ok(`${found.url}/`.startsWith(`${GATEWAY}/p/demo/`), found.url)
  }
})

test('a reference that leads nowhere is told with advice', async () => {
  for (const reference of ['nothing-here', 'https://elsewhere.example/dataset/x', 'not a reference at all'])
    await assert.rejects(unpad.resolve(reference), error => error instanceof unpad.UnpadError && error.status >= 400 && error.detail.length > 20, reference)
})

test('portals, datasets and resources are listed', async () => {
  assert.deepEqual((await unpad.portals()).map(one => one.id), ['demo'])
  const found = await unpad.datasets('demo', 'aire')
  assert.ok(found.total >= found.length && found.length > 1)
  const dataset = found.find(one => one.name === DATASET)
  assert.deepEqual([dataset.title, dataset.formats, dataset.reference], ["Qualitat de l'aire: mesures diàries", ['CSV', 'PDF'], `demo/dataset/${DATASET}`])
  for (const [one, two] of [[dataset], ['demo', DATASET], ['demo', dataset], [`${DEMO_PORTAL}/dataset/${DATASET}`]]) {
    const [csv, pdf] = await unpad.resources(one, two)
    assert.deepEqual([csv.id, csv.format, csv.mediaType, csv.bytes, csv.inDatastore], [TABLE, 'CSV', 'text/csv', 225589, true])
    assert.deepEqual([pdf.format, pdf.bytes, pdf.inDatastore], ['PDF', null, false])
  }
  await assert.rejects(unpad.resources('demo'), { name: 'UnpadError', title: 'Which dataset?' })
  await assert.rejects(unpad.resources('demo', 'none'), { name: 'UnpadError', type: 'Not Found Error', status: 404 })
})

test('a table is read whole, with large integers as the caller chooses', async () => {
  const [resource] = await unpad.resources(`demo/dataset/${DATASET}`)
  for (const [one, two, options, id] of [
    ['demo', TABLE, {}, '9007199254740993'],
    [resource, undefined, { integers: 'bigint' }, 9007199254740993n],
    ['demo', resource, { integers: 'number' }, 9007199254740992]
  ]) {
    const rows = await unpad.table(one, two, options)
    assert.deepEqual([rows.length, rows.total, rows[0].id_mesura, rows[0].municipi], [2400, 2400, id, "l'Hospitalet de Llobregat"])
    assert.deepEqual(rows.map(row => row._id), Array.from({ length: 2400 }, (_, at) => at + 1))
  }
  const some = await unpad.table('demo', TABLE, { limit: 3, filters: { municipi: 'Θεσσαλονίκη', contaminant: ['NO2', 'O3'] }, sort: 'valor desc nulls last', fields: ['municipi', 'valor'] })
  assert.deepEqual([some.length, Object.keys(some[0]), new Set(some.map(row => row.municipi))], [3, ['municipi', 'valor'], new Set(['Θεσσαλονίκη'])])
  await assert.rejects(unpad.table('demo', 'none'), { name: 'UnpadError', type: 'Not Found Error' })
})

test('CSV is read from a dataset, a resource, a download link and a table', async () => {
  for (const reference of [`${DEMO_PORTAL}/dataset/${DATASET}`, `demo/-/resource/${TABLE}`,
    `${DEMO_PORTAL}/dataset/a80ca47a-54d8-5833-ad93-8d514455e99b/resource/${TABLE}/download/qualitat-aire-mesures.csv`,
    `${DEMO_PORTAL}/api/3/action/datastore_search?resource_id=${TABLE}`, `${DEMO_PORTAL}/datastore/dump/${TABLE}?bom=true`]) {
    const rows = await unpad.readCSV(reference)
    assert.deepEqual([rows.length, rows[0].id_mesura, rows[0].observacions], [2400, '9007199254740993', 'Estació de fons urbà, "Bellvitge"'], reference)
    assert.match(unpad.provenance(rows).source, new RegExp(`^${DEMO_PORTAL}/`))
  }
})

test('the licence is that of the dataset, and else that of the portal', async () => {
  const licence = async result => unpad.provenance(await result).licence
  const own = 'http://www.opendefinition.org/licenses/cc-by'
  assert.equal(await licence(unpad.readJSON(`demo/dataset/${DATASET}`)), own)
  assert.equal(await licence(unpad.resources(`demo/dataset/${DATASET}`)), own)
  assert.equal(await licence(unpad.readCSV(`demo/dataset/${DATASET}`)), own)
  const resource = `demo/dataset/${DATASET}/resource/${TABLE}`
  assert.equal(await licence(unpad.readCSV(resource)), own)
  assert.equal(await licence(unpad.table(resource)), own)
  assert.equal(await licence(unpad.datasets('demo', 'aire')), 'https://spdx.org/licenses/CC-BY-4.0')
})

test('what is saved is what the gateway sends, and its digest is told', async () => {
  const files = new Map()
  globalThis.jupyterapp = { serviceManager: { contents: contentsManager(files) } }
  const { saveJSONP } = await load(`${GATEWAY}/client/saveJSONP.js`)
  // As people had it, with the callback that they named.
  const link = `${DEMO_PORTAL}/api/3/action/datastore_search?resource_id=${TABLE}&limit=5&callback=window.corsCallBack`
  const saved = await saveJSONP(link, 'data/menors.json')
  const sent = await (await fetch(link.replace(DEMO_PORTAL, `${GATEWAY}/p/demo`))).text()
  assert.equal(files.get('data/menors.json').content, sent)
  assert.match(sent, /^\{.*"id_mesura": ?9007199254740993\b/)
  assert.equal(saved.provenance.sha256, createHash('sha256').update(sent).digest('hex'))
  delete globalThis.jupyterapp
})

test('the Python to paste names a wheel that is there', async () => {
  const error = await unpad.save(`demo/dataset/${DATASET}`, 'a.json').catch(error => error)
  const [, wheel] = /^%pip install (\S+)$/m.exec(error.advice)
  const response = await fetch(wheel)
  assert.equal(response.status, 200)
  assert.equal(Buffer.from(await response.arrayBuffer()).subarray(0, 2).toString(), 'PK')
})
