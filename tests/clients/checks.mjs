// Clients of JavaScript that know nothing of the gateway, in node: CORS itself is not seen here, for
// node has none. run.sh says where everything is (GATEWAY, FILES, FOLDER) and copies this file to
// where the packages are.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import * as d3 from 'd3-fetch'
import { asyncBufferFromUrl, parquetMetadataAsync, parquetReadObjects } from 'hyparquet'

const { GATEWAY, FILES, FOLDER } = process.env
const DEMO = `${GATEWAY}/p/demo`
const TABLE = 'e5f516c7-456f-50aa-804b-81826abed5b5'
const FILE = `${DEMO}/dataset/a80ca47a-54d8-5833-ad93-8d514455e99b/resource/${TABLE}/download/qualitat-aire-mesures.csv`
const PARQUET = `${FILES}/mesures.parquet`

// What the clients asked and got, seen below them.
const seen = []
const real = globalThis.fetch
globalThis.fetch = async (input, init) => {
  const answer = await real(input, init)
  seen.push({ method: init?.method ?? 'GET', status: answer.status, bytes: Number(answer.headers.get('content-length')) })
  return answer
}

const checks = {
  'd3.json of an action': async () => {
    const { result } = await d3.json(`${DEMO}/api/3/action/package_search?q=aire&rows=2`)
    assert.equal(result.results.length, 2)
    return `${result.count} found`
  },
  'd3.csv of a file': async () => {
    const rows = await d3.csv(FILE)
    assert.equal(rows.length, 2400)
    return `${rows.length} rows, ${rows.columns.length} columns`
  },
  'd3.text of a dump': async () => {
    const text = await d3.text(`${DEMO}/datastore/dump/${TABLE}?limit=2`)
    assert.equal(text.trim().split('\n').length, 3)
    return `${text.length} characters`
  },
  'd3.json by POST': async () => {
    const body = JSON.stringify({ id: 'qualitat-aire-mesures' })
    for (const type of ['application/json', 'text/plain']) {
      const { result } = await d3.json(`${DEMO}/api/3/action/package_show`, { method: 'POST', body, headers: { 'Content-Type': type } })
      assert.equal(result.name, 'qualitat-aire-mesures')
    }
    return 'as JSON and as text'
  },
  'd3.json says what was wrong': async () => {
    await assert.rejects(d3.json(`${DEMO}/api/3/action/package_show?id=none`), /404/)
    return '404'
  },
  'hyparquet: HEAD tells the length': async () => {
    const file = await asyncBufferFromUrl({ url: PARQUET })
    assert.equal(file.byteLength, fs.statSync(path.join(FOLDER, 'mesures.parquet')).size)
    return `${file.byteLength} bytes`
  },
  'hyparquet: a few rows of one column, by ranges': async () => {
    const file = await asyncBufferFromUrl({ url: PARQUET })
    seen.length = 0
    const metadata = await parquetMetadataAsync(file)
    assert.equal(Number(metadata.num_rows), 60000)
    const rows = await parquetReadObjects({ file, metadata, columns: ['id', 'municipi'], rowStart: 30000, rowEnd: 30003 })
    assert.deepEqual(rows, [
      { id: 30000n, municipi: 'Girona' }, { id: 30001n, municipi: "L'Hospitalet" }, { id: 30002n, municipi: 'Θεσσαλονίκη' }])
    assert.ok(seen.length > 0 && seen.every(each => each.status === 206), JSON.stringify(seen))
    const bytes = seen.reduce((sum, each) => sum + each.bytes, 0)
    assert.ok(bytes < file.byteLength, `${bytes} bytes were read`)
    return `${seen.length} parts, ${bytes} of ${file.byteLength} bytes`
  },
  'hyparquet: all rows': async () => {
    const rows = await parquetReadObjects({ file: await asyncBufferFromUrl({ url: PARQUET }) })
    assert.equal(rows.length, 60000)
    return `${rows.length} rows`
  },
  'hyparquet: a file that is not there': async () => {
    await assert.rejects(asyncBufferFromUrl({ url: `${FILES}/none.parquet` }), /404/)
    return '404'
  }
}

const started = Date.now()
let failed = 0
for (const [title, check] of Object.entries(checks)) {
  try {
    console.log(`ok      ${title}: ${await check()}`)
  } catch (error) {
    failed += 1
    console.log(`FAILED  ${title}: ${String(error.message ?? error).replaceAll(/\s+/g, ' ').slice(0, 400)}`)
  }
}
const all = Object.keys(checks).length
console.log(`Clients of JavaScript: ${all - failed} of ${all} checks passed in ${Math.round((Date.now() - started) / 1000)} s`)
process.exit(failed ? 1 : 0)
