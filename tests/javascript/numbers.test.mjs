import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load } from './world.mjs'

const { parseJSON } = await load('http://127.0.0.1:8080/client/unpad.js')

// What becomes of one value: as text, as BigInt, as number.
const become = (text, asText, asBigInt, asNumber = JSON.parse(text)) => {
  assert.deepEqual(parseJSON(text), asText)
  assert.deepEqual(parseJSON(text, 'text'), asText)
  assert.deepEqual(parseJSON(text, 'bigint'), asBigInt)
  assert.deepEqual(parseJSON(text, 'number'), asNumber)
}
const unchanged = text => become(text, JSON.parse(text), JSON.parse(text))

test('integers that a number cannot hold become what the caller chooses', () => {
  become('9007199254740993', '9007199254740993', 9007199254740993n, 9007199254740992)
  become('[-9007199254740993 ,12345678901234567890]', ['-9007199254740993', '12345678901234567890'], [-9007199254740993n, 12345678901234567890n])
  become('{"a":{"b":[1,{"c":9007199254740993}]},"d":2}', { a: { b: [1, { c: '9007199254740993' }] }, d: 2 }, { a: { b: [1, { c: 9007199254740993n }] }, d: 2 })
})

test('integers that a number holds stay numbers', () => {
  for (const text of ['9007199254740991', '-9007199254740991', '[1234567890123456,0,-0]', '1'])
    unchanged(text)
})

test('fractions and exponents stay numbers', () => {
  for (const text of ['12345678901234567890.5', '1234567890123456789e3', '1234567890123456789E-3', '0.12345678901234567890', '[1.5e300,41.38506432175469]'])
    unchanged(text)
  become('[1234567890123456789e3,1234567890123456789E-3,12345678901234567890.5,9007199254740993]', [1234567890123456789e3, 1234567890123456789E-3, 12345678901234567890.5, '9007199254740993'], [1234567890123456789e3, 1234567890123456789E-3, 12345678901234567890.5, 9007199254740993n])
  become('[0.12345678901234567,12345678901234567]', [0.12345678901234567, '12345678901234567'], [0.12345678901234567, 12345678901234567n])
})

test('strings and names that have digits stay what they are', () => {
  for (const text of [
    '["9007199254740993"]', '{"9007199254740993":1}', '["a: 9007199254740993, b"]', '["\\" 9007199254740993"]', '["\\\\", " 9007199254740993 "]',
    '["\\\\\\" ,9007199254740993,"]', '[":9007199254740993\\u0022"]'
  ]) unchanged(text)
  become('["\\\\",9007199254740993,"\\",9007199254740993"]', ['\\', '9007199254740993', '",9007199254740993'], ['\\', 9007199254740993n, '",9007199254740993'])
})

test('a name that is special in JavaScript is kept', () => {
  const value = parseJSON('{"__proto__": 9007199254740993}', 'bigint')
  assert.deepEqual(Object.entries(value), [['__proto__', 9007199254740993n]])
})

test('what is not JSON does not become JSON', () => {
  for (const text of ['[00000000000000000001]', '[9007199254740993', '["9007199254740993', '[1 9007199254740993]', '[--9007199254740993]', '[9007199254740993x]', '{9007199254740993:1}', '[+9007199254740993]', '[9007199254740993.]'])
    for (const integers of ['text', 'bigint', 'number']) assert.throws(() => parseJSON(text, integers), SyntaxError, text)
})

test('deep nesting is no matter', () => {
  const depth = 200_000
  const text = `${'['.repeat(depth)}9007199254740993${']'.repeat(depth)}`
  let value = parseJSON(text, 'bigint')
  for (let level = 0; level < depth; level += 1) value = value[0]
  assert.equal(value, 9007199254740993n)
})

test('another choice is refused', () => assert.throws(() => parseJSON('1', 'exact'), { name: 'UnpadError' }))

test('every document is read as JSON.parse reads it, but for its large integers', () => {
  let seed = 5
  const random = most => {
    seed = (seed * 1103515245 + 12345) % 2147483648
    return Math.floor(seed / 65536) % most
  }
  const value = depth => {
    switch (random(depth > 4 ? 5 : 7)) {
      case 0: return String(random(1000))
      case 1: return `${random(2) ? '-' : ''}9${Array.from({ length: 10 + random(15) }, () => random(10)).join('')}`
      case 2: return JSON.stringify(['', '\\', '"', ', 12345678901234567890 ,', '\\"', 'é\n', '\\\\'][random(7)] + random(10))
      case 3: return `${random(100)}.${random(1000)}1234567890123456${random(2) ? 'e5' : ''}`
      case 4: return ['true', 'false', 'null'][random(3)]
      case 5: return `[${Array.from({ length: random(4) }, () => value(depth + 1)).join(random(2) ? ',' : ' , ')}]`
      default: return `{${Array.from({ length: random(4) }, (_, at) => `${JSON.stringify(`${at}"\\`)}:${value(depth + 1)}`).join(',')}}`
    }
  }
  // The reference: back to numbers, which have to be those of JSON.parse, and be large where they were kept.
  let kept = 0
  const rounded = one => {
    if (typeof one === 'bigint') {
      kept += 1
      assert.ok(!Number.isSafeInteger(Number(one)))
      return Number(one)
    }
    if (Array.isArray(one)) return one.map(rounded)
    if (one && typeof one === 'object') return Object.fromEntries(Object.entries(one).map(([name, inner]) => [name, rounded(inner)]))
    if (typeof one === 'number' && Number.isInteger(one)) assert.ok(Number.isSafeInteger(one) || one >= 1e15)
    return one
  }
  for (let round = 0; round < 3000; round += 1) {
    const text = `[${Array.from({ length: 4 }, () => value(0)).join(',')}]`
    assert.deepEqual(rounded(parseJSON(text, 'bigint')), JSON.parse(text), text)
  }
  assert.ok(kept > 1000)
})
