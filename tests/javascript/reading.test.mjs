import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { datastore, gateway, load, send } from './world.mjs'

const sha256 = (content, encoding) => createHash('sha256').update(content).digest(encoding)

// A gateway for one test.
async function within(answers, work) {
  const world = await gateway(answers)
  try {
    return await work(world)
  } finally {
    await world.close()
  }
}

const csv = (content, type = 'text/csv') => ({ '/p/city/file.csv': (_, response) => send(response, content, 200, { 'content-type': type }) })
const readCSV = (content, options, type) => within(csv(content, type), ({ unpad }) => unpad.readCSV('city/file.csv', options))

test('the gateway is the one that serves the module', async () => {
  for (const [url, expected] of [
    ['http://127.0.0.1:8080/client/unpad.js', 'http://127.0.0.1:8080'],
    ['https://host.example/tools/unpad/client/unpad.js?v=1', 'https://host.example/tools/unpad']
  ]) assert.equal((await load(url)).gateway(), expected)
})

test('a module from elsewhere has to be told its gateway', async () => {
  const unpad = await load('file:///home/someone/client/unpad.js')
  assert.throws(() => unpad.gateway(), { name: 'UnpadError', title: 'No gateway is named', advice: /unpad\.use\(/ })
  assert.equal(unpad.use('https://gateway.example/unpad/?x#y'), 'https://gateway.example/unpad')
  assert.equal(unpad.gateway(), 'https://gateway.example/unpad')
  assert.throws(() => unpad.use('gateway'), { name: 'UnpadError' })
  assert.throws(() => unpad.use('ftp://gateway.example'), { name: 'UnpadError' })
})

test('a URL of the gateway is asked as it is, anything else is resolved first', () =>
  within({ '/p/city/a.json': { a: 1 } }, async ({ unpad, base, asked }) => {
    assert.deepEqual(await unpad.readJSON(`${base}/p/city/a.json`), { a: 1 })
    assert.deepEqual(asked.map(one => one.path), ['/p/city/a.json'])
    assert.deepEqual(await unpad.readJSON('city/a.json'), { a: 1 })
    assert.deepEqual(asked.slice(1).map(one => one.path), ['/resolve', '/p/city/a.json'])
  }))

test('a gateway below a prefix is asked below it, whether or not it knows its prefix', async () => {
  for (const told of ['./p/city/a.json', '/unpad/p/city/a.json', null]) {
    await within({
      '/unpad/resolve': (request, response) => send(response, { kind: 'file', url: told ?? `http://${request.headers.host}/unpad/p/city/a.json` }),
      '/unpad/p/city/a.json': { a: 1 }
    }, async ({ unpad, base }) => {
      unpad.use(`${base}/unpad`)
      assert.deepEqual(await unpad.readJSON('city/a.json'), { a: 1 })
    })
  }
})

test('a dataset is read as what package_show says of it, an API link with its envelope', () =>
  within({ '/p/city/api/3/action/package_show': { success: true, result: { name: 'air' } } }, async ({ unpad, base }) => {
    assert.deepEqual(await unpad.readJSON('city/dataset/air'), { name: 'air' })
    assert.deepEqual(await unpad.readJSON(`${base}/p/city/api/3/action/package_show?id=air`), { success: true, result: { name: 'air' } })
  }))

test('refresh has the gateway ask again', () =>
  within({ '/p/city/a.json': {} }, async ({ unpad, base, asked }) => {
    await unpad.readJSON(`${base}/p/city/a.json`)
    await unpad.readJSON(`${base}/p/city/a.json`, { refresh: true })
    assert.deepEqual(asked.map(one => one.fields['cache-control'] ?? null), [null, 'no-cache'])
  }))

test('the provenance says when, from where, under which terms and with which digest', () =>
  within({
    '/p/city/a.json': (_, response) => send(response, '[1]', 200, {
      date: 'Wed, 25 Nov 2026 02:30:47 GMT', age: '13',
      link: '<https://city.example/a.json?x=1,2>; rel="via", <https://creativecommons.org/licenses/by/4.0/>; rel="license"',
      'unpad-attribution': '%"Ajuntament %c3%a9"', 'cache-status': 'other; hit, unpad; hit; ttl=287'
    })
  }, async ({ unpad, base }) => {
    const url = `${base}/p/city/a.json`
    assert.deepEqual(unpad.provenance(await unpad.readJSON(url)), {
      retrieved: new Date('2026-11-25T02:30:47Z'),
      source: 'https://city.example/a.json?x=1,2',
      licence: 'https://creativecommons.org/licenses/by/4.0/',
      attribution: 'Ajuntament é',
      sha256: sha256('[1]', 'hex'),
      cache: { hit: true, fwd: null, ttl: 287, stored: false, stale: false, text: 'other; hit, unpad; hit; ttl=287' },
      age: 13,
      gatewayURL: url
    })
    assert.equal(unpad.provenance(await unpad.fetchThrough(url)).sha256, null)
    assert.throws(() => unpad.provenance({}), { name: 'UnpadError' })
    assert.throws(() => unpad.provenance('text'), { name: 'UnpadError' })
  }))

test('what the cache did is told apart', async () => {
  for (const [field, expected] of [
    ['unpad; fwd=uri-miss; fwd-status=200; stored; ttl=300', { hit: false, fwd: 'uri-miss', ttl: 300, stored: true, stale: false }],
    ['unpad; hit; ttl=-22; detail=stale-while-revalidate', { hit: true, fwd: null, ttl: -22, stored: false, stale: true }],
    ['unpad; hit; ttl=-5', { hit: true, fwd: null, ttl: -5, stored: false, stale: true }],
    ['unpad; fwd=stale; detail=stale-if-error', { hit: false, fwd: 'stale', ttl: null, stored: false, stale: true }],
    ['unpad; fwd=stale; fwd-status=304; ttl=300', { hit: false, fwd: 'stale', ttl: 300, stored: false, stale: false }],
    ['edge; hit; ttl=9', { hit: false, fwd: null, ttl: null, stored: false, stale: false }]
  ]) {
    await within({ '/p/city/a.json': (_, response) => send(response, '[]', 200, { 'cache-status': field }) }, async ({ unpad, base }) =>
      assert.deepEqual(unpad.provenance(await unpad.readJSON(`${base}/p/city/a.json`)).cache, { ...expected, text: field }))
  }
})

test('an attribution may be a plain string, with escapes, or missing, or nonsense', async () => {
  for (const [field, expected] of [['"City of \\"Example\\""', 'City of "Example"'], ['%"caf%c3"', null], ['City', null], [undefined, null]]) {
    await within({ '/p/city/a.json': (_, response) => send(response, '[]', 200, field ? { 'unpad-attribution': field } : {}) }, async ({ unpad, base }) =>
      assert.equal(unpad.provenance(await unpad.readJSON(`${base}/p/city/a.json`)).attribution, expected))
  }
})

test('content that is not what its digest says is not handed on', () =>
  within({
    '/p/city/right': (_, response) => send(response, '[1]', 200, { 'content-digest': `sha-256=:${sha256('[1]', 'base64')}:` }),
    '/p/city/wrong': (_, response) => send(response, '[1]', 200, { 'content-digest': `sha-256=:${sha256('[2]', 'base64')}:` })
  }, async ({ unpad, base }) => {
    assert.deepEqual(await unpad.readJSON(`${base}/p/city/right`), [1])
    await assert.rejects(unpad.readJSON(`${base}/p/city/wrong`), { name: 'UnpadError', type: 'answer-damaged' })
  }))

test('an answer that breaks off is an error, with and without a length', async () => {
  for (const fields of [{ 'content-length': '1000' }, { 'transfer-encoding': 'chunked' }]) {
    await within({
      '/p/city/a.json': (_, response) => {
        response.writeHead(200, { 'content-type': 'application/json', ...fields })
        response.write('[1]', () => response.destroy())
      }
    }, async ({ unpad, base }) => assert.rejects(unpad.readJSON(`${base}/p/city/a.json`), { name: 'UnpadError', type: 'answer-broken' }))
  }
})

test('an answer that is longer than may be held is given up', () =>
  within({
    '/p/city/a.bin': (_, response) => {
      response.writeHead(200, { 'content-type': 'application/octet-stream' })
      const block = Buffer.alloc(16 << 20)
      let left = 30
      const more = () => {
        while (!response.destroyed && left > 0) {
          left -= 1
          if (!response.write(block)) return
        }
        response.end()
      }
      response.on('drain', more)
      more()
    }
  }, async ({ unpad, base }) => assert.rejects(unpad.readBytes(`${base}/p/city/a.bin`), { name: 'UnpadError', type: 'answer-too-long' })))

test('problems are told with title, detail and what they are about', () =>
  within({
    '/p/city/a.json': (_, response) => send(response, {
      type: '/problems#portal-timeout', title: 'Portal timeout', status: 504, detail: 'Ask for less.', portal: 'city', portal_url: 'https://city.example/a'
    }, 504, { 'content-type': 'application/problem+json', 'retry-after': '9' })
  }, async ({ unpad, base }) => {
    const error = await unpad.readJSON(`${base}/p/city/a.json`).catch(error => error)
    assert.ok(error instanceof unpad.UnpadError)
    assert.equal(error.message, 'Portal timeout\nAsk for less.\nTry again in 9 s.')
    assert.deepEqual([error.status, error.type, error.portal, error.portalURL, error.problem.status],
      [504, '/problems#portal-timeout', 'city', 'https://city.example/a', 504])
  }))

test('errors of CKAN itself are told by what they say, also with status 200', async () => {
  for (const [status, error, title, detail] of [
    [404, { __type: 'Not Found Error', message: 'Not found: air' }, 'The portal says: Not Found Error', 'Not found: air'],
    [409, { __type: 'Validation Error', limit: ['Invalid integer', 'Too long'] }, 'The portal says: Validation Error', 'limit: Invalid integer; Too long'],
    [200, { __type: 'Search Error', message: 'No' }, 'The portal says: Search Error', 'No'],
    [400, 'Bad request', 'The portal answers with an error', 'Bad request']
  ]) {
    await within({ '/p/city/api/3/action/package_show': (_, response) => send(response, { success: false, error }, status) }, ({ unpad }) =>
      assert.rejects(unpad.readJSON('city/dataset/air'), { name: 'UnpadError', title, detail, status }))
  }
})

test('an error page is not shown as it is', () =>
  within({ '/p/city/a.json': (_, response) => send(response, '<html>…', 502, { 'content-type': 'text/html' }) }, ({ unpad, base }) =>
    assert.rejects(unpad.readJSON(`${base}/p/city/a.json`), { name: 'UnpadError', detail: 'It sent a web page in place of data.', status: 502 })))

test('what is not JSON is said to be none', () =>
  within(csv('a,b'), ({ unpad }) => assert.rejects(unpad.readJSON('city/file.csv'), { name: 'UnpadError', type: 'not-json', detail: /"a,b"/ })))

test('a gateway that does not run is told with what to do', async () => {
  const { unpad, base, close } = await gateway()
  await close()
  await assert.rejects(unpad.portals(), { name: 'UnpadError', type: 'gateway-unreachable', detail: /ECONNREFUSED/, advice: new RegExp(`does not run at ${base}`) })
})

test('an abort stays an AbortError, before, while waiting, and within an answer', () =>
  within({
    '/p/city/silent': () => {},
    '/p/city/slow': (_, response) => {
      response.writeHead(200)
      response.write('[')
    }
  }, async ({ unpad, base }) => {
    await assert.rejects(unpad.readJSON(`${base}/p/city/silent`, { signal: AbortSignal.abort() }), { name: 'AbortError' })
    for (const path of ['silent', 'slow']) {
      const control = new AbortController()
      const reading = unpad.readJSON(`${base}/p/city/${path}`, { signal: control.signal, onProgress: () => control.abort() })
      if (path === 'silent') setImmediate(() => control.abort())
      await assert.rejects(reading, { name: 'AbortError' })
    }
  }))

test('a table is read page by page, also if the portal gives less than is asked for', () =>
  within({ '/p/city/api/3/action/datastore_search': datastore(70, 32) }, async ({ unpad, asked }) => {
    const seen = []
    const rows = await unpad.table('city', 'r1', { onProgress: one => seen.push(one) })
    assert.deepEqual(rows.map(row => row._id), Array.from({ length: 70 }, (_, at) => at + 1))
    assert.deepEqual([rows.total, rows.fields, Object.keys(rows).length], [70, [{ id: '_id', type: 'int' }], 70])
    assert.deepEqual(seen, [{ rows: 32, total: 70 }, { rows: 64, total: 70 }, { rows: 70, total: 70 }])
    assert.deepEqual(asked.slice(1).map(one => [one.query.offset, one.query.limit, one.query.sort]), [['0', '32000', '_id'], ['32', '32', '_id'], ['64', '6', '_id']])
    assert.equal(unpad.provenance(rows).sha256, null)
  }))

test('a part of a table is read, with conditions', () =>
  within({ '/p/city/api/3/action/datastore_search': datastore(70, 32) }, async ({ unpad, asked }) => {
    const rows = await unpad.table('city', 'r1', { limit: 40, offset: 20, fields: ['a', 'b'], filters: { a: ['x'] }, q: 'air', sort: 'a desc' })
    assert.deepEqual([rows.length, rows[0]._id, rows[39]._id, rows.total], [40, 21, 60, 70])
    const { offset, limit, ...rest } = asked.at(-1).query
    assert.deepEqual([offset, limit], ['52', '8'])
    assert.deepEqual(rest, { resource_id: 'r1', sort: 'a desc, _id', fields: 'a,b', filters: '{"a":["x"]}', q: 'air' })
    for (const [options, length] of [[{ limit: 0 }, 0], [{ offset: 69 }, 1], [{ offset: 70 }, 0], [{ offset: 99 }, 0], [{ limit: 99 }, 70]])
      assert.equal((await unpad.table('city', 'r1', options)).length, length)
  }))

test('a table that changes while it is read is an error, never a gap', async () => {
  for (const change of [
    (result, offset) => ({ ...result, total: offset > 0 ? 71 : 70 }),
    (result, offset) => ({ ...result, records: offset > 0 ? [] : result.records }),
    (result, offset) => ({ ...result, records: offset > 0 ? result.records.map(({ _id }) => ({ _id: _id - 1 })) : result.records })
  ]) {
    await within({ '/p/city/api/3/action/datastore_search': datastore(70, 32, change) }, ({ unpad }) =>
      assert.rejects(unpad.table('city', 'r1'), { name: 'UnpadError', type: 'table-changed' }))
  }
})

test('a page that the gateway finds too large is asked for in smaller ones', () =>
  within({
    '/p/city/api/3/action/datastore_search': (request, response, url) => {
      if (Number(url.searchParams.get('limit')) > 600) return send(response, { type: '/problems#response-too-large', title: 'Too large', status: 502, detail: 'It is.' }, 502)
      return datastore(1300, 32_000)(request, response, url)
    }
  }, async ({ unpad, asked }) => {
    const rows = await unpad.table('city', 'r1')
    assert.deepEqual(rows.map(row => row._id), Array.from({ length: 1300 }, (_, at) => at + 1))
    assert.deepEqual(asked.slice(1, 6).map(one => one.query.limit), ['32000', '8000', '2000', '500', '500'])
  }))

test('rows whose place the order leaves open are ordered by their number', () =>
  within({ '/p/city/api/3/action/datastore_search': datastore(1, 32) }, async ({ unpad, asked }) => {
    for (const [sort, sent] of [[undefined, '_id'], ['a desc', 'a desc, _id'], ['_id desc', '_id desc'], ['a,_id', 'a,_id'], ['x_id', 'x_id, _id']]) {
      await unpad.table('city', 'r1', { sort })
      assert.equal(asked.at(-1).query.sort, sent)
    }
  }))

test('the provenance of a table is that of its oldest page', async () => {
  const dates = ['Wed, 25 Nov 2026 02:30:05 GMT', 'Wed, 25 Nov 2026 02:30:01 GMT', 'Wed, 25 Nov 2026 02:30:09 GMT']
  let page = 0
  await within({
    '/p/city/api/3/action/datastore_search': (request, response, url) => {
      response.setHeader('date', dates[page++])
      datastore(70, 32)(request, response, url)
    }
  }, async ({ unpad }) => assert.equal(unpad.provenance(await unpad.table('city', 'r1')).retrieved.toISOString(), '2026-11-25T02:30:01.000Z'))
})

test('a table that does not say how long it is is an error', () =>
  within({ '/p/city/api/3/action/datastore_search': datastore(70, 32, ({ total, ...result }) => result) }, ({ unpad }) =>
    assert.rejects(unpad.table('city', 'r1'), { name: 'UnpadError', title: 'The portal\'s answer is no table' })))

test('a portal that gives more rows than it is asked for does not double any', () =>
  within({
    '/p/city/api/3/action/datastore_search': datastore(70, 32, (result, offset) =>
      ({ ...result, records: [...result.records, ...result.records] }))
  }, async ({ unpad }) => {
    const rows = await unpad.table('city', 'r1', { limit: 20 })
    assert.deepEqual(rows.map(row => row._id), Array.from({ length: 20 }, (_, at) => at + 1))
  }))

test('datasets are searched beyond what a portal gives at once', () =>
  within({
    '/p/city/api/3/action/package_search': (_, response, url) => {
      const start = Number(url.searchParams.get('start'))
      const results = [0, 1].map(at => ({ name: `d${start + at}`, organization: null, resources: [{ format: 'CSV' }, { format: 'CSV' }, { format: '' }] }))
      send(response, { success: true, result: { count: 9, results } })
    }
  }, async ({ unpad, asked }) => {
    const found = await unpad.datasets('city', 'air', { limit: 5, offset: 2 })
    assert.deepEqual(found.map(one => one.name), ['d2', 'd3', 'd4', 'd5', 'd6'])
    assert.deepEqual([found.total, Object.keys(found)], [9, ['0', '1', '2', '3', '4']])
    assert.deepEqual(found[0], { name: 'd2', title: 'd2', notes: '', organization: null, formats: ['CSV'], modified: null, licence: null, reference: 'city/dataset/d2' })
    assert.deepEqual(asked.filter(one => one.path !== '/resolve').map(one => one.query), ['2', '4', '6'].map((start, at) => ({ q: 'air', rows: String(5 - 2 * at), start })))
  }))

test('datasets of Socrata are searched in its catalogue', () =>
  within({
    '/resolve': { portal: 'town', dialect: 'socrata', kind: 'portal', url: '/p/town/' },
    '/p/town': { base: 'https://data.town.example' },
    '/p/town/api/catalog/v1': { results: [{ resource: { id: 'abcd-1234', name: 'Air', type: 'dataset', updatedAt: '2026-01-01' }, metadata: { license: 'CC0' } }], resultSetSize: 1 }
  }, async ({ unpad, asked }) => {
    const found = await unpad.datasets('town', 'air')
    assert.deepEqual([found.total, found[0].reference, found[0].licence], [1, 'town/resource/abcd-1234.json', 'CC0'])
    assert.deepEqual(asked.at(-1).query, { domains: 'data.town.example', search_context: 'data.town.example', q: 'air', limit: '20', offset: '0' })
  }))

test('datasets of other software cannot be searched, which is said', () =>
  within({ '/resolve': { portal: 'maps', dialect: 'arcgis', kind: 'portal', url: '/p/maps/' } }, ({ unpad }) =>
    assert.rejects(unpad.datasets('maps'), { name: 'UnpadError', type: 'not-searchable', detail: /arcgis/ })))

test('a dataset with several CSV files says which there are', async () => {
  const show = resources => ({ '/p/city/api/3/action/package_show': { success: true, result: { resources } } })
  await within(show([{ id: 'r1', name: 'Madrid', format: 'CSV' }, { id: 'r2', name: 'Barcelona', format: 'csv' }]), ({ unpad }) =>
    assert.rejects(unpad.readCSV('city/dataset/air'), { title: 'The dataset has 2 CSV files', advice: 'await unpad.readCSV("city/-/resource/r1")  // Madrid, CSV\nawait unpad.readCSV("city/-/resource/r2")  // Barcelona, csv' }))
  await within(show([]), ({ unpad }) => assert.rejects(unpad.readCSV('city/dataset/air'), { title: 'The dataset has no CSV file' }))
})

test('CSV has quotes, line ends of every kind, and lines that are empty', async () => {
  const rows = await readCSV('a,b\r\n"x, ""y""\r\nz",2\r\n\r\n"",""\n3,4')
  assert.deepEqual(rows, Object.assign([{ a: 'x, "y"\r\nz', b: '2' }, { a: '', b: '' }, { a: '3', b: '4' }]))
  assert.deepEqual([rows.columns, rows.delimiter, rows.encoding], [['a', 'b'], ',', 'utf-8'])
  assert.deepEqual([...await readCSV('a\r1\r2\r')], [{ a: '1' }, { a: '2' }])
  assert.deepEqual([...await readCSV('')], [])
})

test('the delimiter of CSV is found, also beside decimal commas and within quotes', async () => {
  for (const [text, delimiter] of [
    ['a;b\n1,5;2,5\n', ';'], ['a\tb\n1;2\t3\n', '\t'], ['a|b\n1|2\n', '|'], ['"a;x;y",b\n"1;2;3",2\n', ','], ['a;b,c;d\n1;2;3\n4;5;6\n', ';'], ['a,b,c;d\n1;2\n3;4\n', ';']
  ]) assert.equal((await readCSV(text)).delimiter, delimiter, text)
  assert.deepEqual((await readCSV('a;b\n1;2', { delimiter: ',' })).columns, ['a;b'])
})

test('the charset of CSV is found by mark, field, UTF-8, and else it is windows-1252', async () => {
  const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('a\né', 'utf16le')])
  for (const [content, type, encoding] of [
    [Buffer.from('\ufeffa\né'), 'text/csv; charset=iso-8859-1', 'utf-8'],
    [utf16, 'text/csv', 'utf-16le'],
    [Buffer.from('a\né', 'latin1'), 'text/csv; charset=ISO-8859-1', 'iso-8859-1'],
    [Buffer.from('a\né'), 'text/csv', 'utf-8'],
    [Buffer.from('a\né', 'latin1'), 'text/csv; charset=utf-8', 'windows-1252'],
    [Buffer.from('a\né', 'latin1'), 'text/csv; charset=nonsense', 'windows-1252']
  ]) {
    const rows = await readCSV(content, {}, type)
    assert.deepEqual([rows.columns, rows[0].a, rows.encoding], [['a'], 'é', encoding])
  }
  await assert.rejects(readCSV(Buffer.from('a\né', 'latin1'), { encoding: 'utf-8' }), { name: 'UnpadError', title: 'This is not text in utf-8' })
  await assert.rejects(readCSV('a', { encoding: 'nonsense' }), { name: 'UnpadError' })
})

test('a line with too few or too many fields is named', async () => {
  await assert.rejects(readCSV('a,b\n"1\n2",3\n\n4\n'), { name: 'UnpadError', title: 'Line 5 has 1 fields, not 2' })
  await assert.rejects(readCSV('a,b\n1,2,3\n'), { title: 'Line 2 has 3 fields, not 2' })
  await assert.rejects(readCSV('a,b\n1,"2\n3'), { title: 'Line 2 is not CSV' })
  await assert.rejects(readCSV('a,b\n"1"x,2\n'), { title: 'Line 2 is not CSV' })
})

test('no column of CSV is lost to its name', async () => {
  const [row] = await readCSV('a,a,a.1,__proto__,constructor\n1,2,3,4,5')
  assert.deepEqual(Object.entries(row), [['a', '1'], ['a.1', '2'], ['a.1.1', '3'], ['__proto__', '4'], ['constructor', '5']])
})

test('what is not CSV is said to be none', () =>
  assert.rejects(readCSV('{"a": 1}', {}, 'application/json'), { name: 'UnpadError', type: 'not-csv' }))

test('other files are told from CSV by what they begin with, whatever their type says', async () => {
  const zip = rest => Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(26), Buffer.from(rest)])
  for (const [content, title, advice] of [
    ['%PDF-1.7\na,b\n', /This is a PDF/, /save\("city\/file.csv", "data.pdf"\)/],
    [zip('a,b\n1,2\n'), /This is a ZIP archive/, /"data.zip"/],
    [Buffer.concat([zip('a'), Buffer.alloc(200_000), Buffer.from('xl/workbook.xml')]), /This is an Excel workbook/, /pandas.read_excel\(await unpad.save\("city\/file.csv", "data.xlsx"\)\)/],
    [zip('mimetypeapplication/vnd.oasis.opendocument.spreadsheet'), /This is a spreadsheet/, /"data.ods"/],
    [Buffer.from('d0cf11e0a1b11ae1', 'hex'), /This is an Excel workbook/, /"data.xls"/],
    [Buffer.from('1f8b0800', 'hex'), /This is a file that gzip/, /pandas.read_csv/],
    [Buffer.from('89504e470d0a1a0a', 'hex'), /This is an image/, /"data.png"/],
    [Buffer.from('ffd8ffe0', 'hex'), /This is an image/, /"data.jpg"/],
    ['PAR1,\n1,2\nPAR1', /This is a Parquet file/, /pandas.read_parquet/],
    ['\ufeff <!DOCTYPE html><title>x</title>', /This is a web page/, /./]
  ]) await assert.rejects(readCSV(content), { name: 'UnpadError', type: 'not-csv', title, advice })
  await assert.rejects(readCSV('[{"a": 1}]', {}, 'application/json'), { type: 'not-csv', title: /This is JSON/ })
  assert.deepEqual([...await readCSV('PAR1,PK,BM\n1,2,3')], [{ PAR1: '1', PK: '2', BM: '3' }])
})

const refused = (title, status) => ({
  '/resolve': (_, response) => send(response, { type: '/problems#unknown-portal', title, status, detail: 'Not here.' }, status)
})

test('a reference that leads nowhere says which gateway was asked and why', () =>
  within(refused('Unknown portal', 404), async ({ unpad, base }) => {
    for (const reference of ['nowhere/dataset/x', 'https://nowhere.example/dataset/x']) {
      await assert.rejects(unpad.readJSON(reference), {
        name: 'UnpadError', title: 'Unknown portal', status: 404, type: '/problems#unknown-portal', detail: `The reference is “${reference}”. Not here.`,
        advice: `The gateway that was asked is ${base}. This module was loaded from it.\nawait unpad.portals() lists its portals.`
      })
    }
    await assert.rejects(unpad.readJSON('data/x.json'), { advice: /The reference comes first: await unpad\.save\("REFERENCE", "data\/x\.json"\)\nawait/ })
    unpad.use(`${base}/sub/../`)
    await assert.rejects(unpad.readJSON('nowhere'), { advice: /loaded from it/ })
  }))

test('a link of another gateway says how to ask that one', () =>
  within(refused('Target not allowed', 403), async ({ unpad, base }) => {
    for (const other of ['http://127.0.0.1:9', 'https://data.example/unpad'])
      await assert.rejects(unpad.readJSON(`${other}/p/x/-/resource/y`), error => error.advice.includes(base) && error.advice.endsWith(`unpad.use("${other}")`))
    const named = await load('file:///unpad.js')
    named.use(base)
    await assert.rejects(named.readJSON('https://data.example/p/x/y'), { advice: /It was named with unpad\.use/ })
  }))

test('a URL of the gateway for a portal that it has not says which, and how to list them', () =>
  within({ '/p/nowhere/x': (_, response) => send(response, { type: '/problems#unknown-portal', title: 'Unknown portal', detail: 'No.' }, 404) }, ({ unpad, base }) =>
    assert.rejects(unpad.readJSON(`${base}/p/nowhere/x`), { advice: `Asked for: ${base}/p/nowhere/x\nawait unpad.portals() lists its portals.` })))

test('a link that is none of the web says so', () =>
  within({}, async ({ unpad, asked }) => {
    for (const scheme of ['htp', 'ftp', 'file'])
      await assert.rejects(unpad.readJSON(`${scheme}://city.example/dataset/x`), { title: 'A link begins with http:// or https://', detail: new RegExp(`begins with ${scheme}:`) })
    assert.equal(asked.length, 0)
  }))

test('a dataset that is not there is named', () =>
  within({ '/p/city/api/3/action/package_show': (_, response) => send(response, { success: false, error: { __type: 'Not Found Error', message: 'Not found' } }, 404) }, async ({ unpad }) => {
    for (const work of [unpad.readJSON('city/dataset/air'), unpad.readCSV('city/dataset/air'), unpad.resources('city', 'air')])
      await assert.rejects(work, { type: 'Not Found Error', status: 404, advice: /^city has no public dataset “air”\. Search for it: await unpad\.datasets\("city", "words"\)\nAsked for: / })
  }))

test('of a link of the gateway, use takes the gateway', async () => {
  const unpad = await load('file:///unpad.js')
  for (const link of ['https://host.example/unpad/p/demo', 'https://host.example/unpad/p/demo/api/3?x']) assert.equal(unpad.use(link), 'https://host.example/unpad')
  assert.equal(unpad.use('https://host.example/p/'), 'https://host.example/p')
})

test('pages of one table do not have its portal resolved again, unless another gateway is named', () =>
  within({ '/p/city/api/3/action/datastore_search': datastore(70, 32), '/sub/resolve': { portal: 'town', dialect: 'ckan', kind: 'portal', url: '/p/town/' } }, async ({ unpad, base, asked }) => {
    for (const offset of [0, 10, 20]) await unpad.table('city', 'r1', { limit: 10, offset })
    assert.equal(asked.filter(one => one.path === '/resolve').length, 1)
    unpad.use(`${base}/sub`)
    await assert.rejects(unpad.table('city', 'r1'))
    assert.equal(asked.at(-1).path, '/sub/p/town/api/3/action/datastore_search')
  }))

test('bytes become text, also if a character is cut', async () => {
  const unpad = await load('file:///unpad.js')
  const bytes = Buffer.from('aé')
  assert.deepEqual(unpad.decodeText(bytes), { text: 'aé', encoding: 'utf-8' })
  assert.deepEqual(unpad.decodeText(bytes.subarray(0, 2), '', { cut: true }), { text: 'a', encoding: 'utf-8' })
  assert.equal(unpad.decodeText(bytes.subarray(0, 2)).encoding, 'windows-1252')
  assert.equal(unpad.decodeText(bytes, '', { encoding: 'windows-1252' }).text, 'aÃ©')
})

test('the error of a Response is made from what it says', () =>
  within({ '/p/city/a.json': (_, response) => send(response, { title: 'Portal timeout', detail: 'Ask for less.' }, 504) }, async ({ unpad, base }) => {
    const error = await unpad.responseError(await unpad.fetchThrough(`${base}/p/city/a.json`))
    assert.ok(error instanceof unpad.UnpadError)
    assert.deepEqual([error.title, error.status], ['Portal timeout', 504])
  }))
