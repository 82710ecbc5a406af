// Runs the public suite of HTTP cache tests against the gateway, through a transparent and a plain
// portal. Needs node 18 and, because none of the suite is kept here, a checkout of it:
//
//   git clone https://github.com/http-tests/cache-tests && (cd cache-tests && npm install --omit=dev)
//   node tests/conformance/run.mjs SUITE PROGRAM [--test ID]
//
//   SUITE    that checkout
//   PROGRAM  the gateway, such as target/release/unpad
//   --test   one test with all that was said, through the transparent portal
//
// Exit code 0 if everything passes that known.mjs does not name, 1 if not, 2 if it cannot be run.

import { spawn } from 'node:child_process'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const here = path.dirname(fileURLToPath(import.meta.url))
const KINDS = ['required', 'optimal', 'check']

// A part of the suite.
const load = (suite, ...parts) => import(pathToFileURL(path.join(suite, ...parts)).href)

// In a process of its own, because the suite keeps its results in one place. What configures the
// origin server goes straight to it, so that a portal that is only read from can be tested.
async function client (suite, base, id) {
  const { runTests, getResults } = await load(suite, 'test-engine', 'client', 'runner.mjs')
  let tests = (await load(suite, 'tests', 'index.mjs')).default
  if (id) {
    tests = tests.map(group => ({ ...group, tests: group.tests.filter(test => test.id === id) }))
    tests.forEach(group => group.tests.forEach(test => { test.dump = true }))
  }
  const fetch = globalThis.fetch
  globalThis.fetch = (url, init) => {
    const said = /\/(config|state)\/([0-9a-f-]{36})$/.exec(String(url))
    return fetch(said ? `${process.env.CONTROL}/${said[1]}/${said[2]}` : url, init)
  }
  await runTests(tests, false, base, 100)
  process.stdout.write(JSON.stringify(getResults()))
}

async function freePort () {
  const server = net.createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address()
  await new Promise(resolve => server.close(resolve))
  return port
}

// Starts a program, and waits for what it says when it is ready.
function start (command, args, options, ready) {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'inherit'] })
  const said = new Promise((resolve, reject) => {
    let text = ''
    child.stdout.on('data', data => {
      text += data
      const found = ready.exec(text)
      if (found) resolve(found[1])
    })
    child.once('exit', code => reject(new Error(`${command} ended with ${code}`)))
    child.once('error', reject)
  })
  return { child, said }
}

async function ask (folder, base, control, id) {
  const args = [fileURLToPath(import.meta.url), '--as-client', folder, base, ...(id ? [id] : [])]
  const env = { ...process.env, CONTROL: control }
  const child = spawn(process.execPath, ['--no-warnings', ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.on('data', data => { text += data; if (id) process.stdout.write(data) })
  const code = await new Promise(resolve => child.once('exit', resolve))
  if (code !== 0) throw new Error(`the suite's client ended with ${code}`)
  return id ? {} : JSON.parse(text)
}

async function score (folder, results, known) {
  const tests = (await load(folder, 'tests', 'index.mjs')).default
  const { determineTestResult } = await load(folder, 'test-engine', 'lib', 'results.mjs')
  // A result is its icon, its colour and its sign; these are the signs of passing, and of a check's yes.
  const isPassed = result => ['✅', 'Y'].includes(result[2])
  const figures = Object.fromEntries(KINDS.map(kind => [kind, { passed: 0, all: 0, judged: 0 }]))
  const faults = []
  for (const test of tests.flatMap(group => group.tests)) {
    if (!(test.id in results)) continue
    const kind = test.kind ?? 'required'
    const result = determineTestResult(tests, test.id, results)
    const passed = isPassed(result)
    const of = figures[kind]
    of.all += 1
    of.passed += passed
    of.judged += !(test.id in known)
    if (kind !== 'check' && !passed && !(test.id in known)) faults.push(`${test.id}: ${results[test.id]}`)
    if (passed && test.id in known && kind !== 'check') faults.push(`${test.id} passes: take it out of known.mjs`)
  }
  return { figures, faults }
}

async function main (folder, program, id) {
  const port = await freePort()
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'unpad-conformance-'))
  const registry = path.join(work, 'portals.yaml')
  const written = fs.readFileSync(path.join(here, 'portals.yaml'), 'utf8')
  fs.writeFileSync(registry, written.replaceAll('PORT', port))
  const config = { protocol: 'http', port, pidfile: path.join(work, 'pid') }
  const env = { ...process.env }
  for (const [name, value] of Object.entries(config)) env[`npm_config_${name}`] = value
  const server = path.join(folder, 'test-engine', 'server', 'server.mjs')
  const origin = start(process.execPath, ['--require', path.join(here, 'loopback.cjs'), server], { env }, /(Listening)/)
  const serve = ['serve', '--config', registry, '--listen', '127.0.0.1:0', '--cache-dir', path.join(work, 'cache'), '--log-level', 'off']
  const gateway = start(program, serve, {}, /at (http:\/\/[0-9.:]+)\//)
  let faulty = 0
  try {
    const base = await gateway.said
    await origin.said
    const known = await import('./known.mjs')
    for (const portal of id ? ['transparent'] : ['transparent', 'plain']) {
      const results = await ask(folder, `${base}/p/${portal}`, `http://127.0.0.1:${port}`, id)
      if (id) continue
      const { figures, faults } = await score(folder, results, known[portal])
      const line = KINDS.map(kind => `${kind} ${figures[kind].passed}/${figures[kind].all}`)
      console.log(`${portal.padEnd(12)} ${line.join('  ')}  (of those not in known.mjs: ${figures.required.judged} and ${figures.optimal.judged})`)
      for (const fault of faults) console.log(`  ${fault}`)
      faulty += faults.length
    }
  } finally {
    for (const { child } of [origin, gateway]) child.kill()
    fs.rmSync(work, { recursive: true, force: true })
  }
  return faulty > 0 ? 1 : 0
}

const args = process.argv.slice(2)
if (args[0] === '--as-client') {
  await client(...args.slice(1))
} else if (args.length < 2) {
  console.error('usage: node tests/conformance/run.mjs SUITE PROGRAM [--test ID]')
  process.exit(2)
} else {
  const [folder, program] = args.slice(0, 2).map(each => path.resolve(each))
  const code = await main(folder, program, args[2] === '--test' ? args[3] : undefined).catch(error => {
    console.error(error.message)
    return 2
  })
  process.exit(code)
}
