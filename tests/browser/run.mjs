// Runs bridge.mjs, page.mjs, examples.mjs, docs.mjs and lite.mjs in one browser. run.sh says where everything is: PACKAGES,
// SITES, CHROMIUM, PROGRAM, GATEWAY, PORTAL, WORK, and SHOTS, a folder for screenshots.
//
//   node run.mjs [bridge] [page] [examples] [docs] [lite]

import { spawn } from 'node:child_process'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import readline from 'node:readline'
import { bridge } from './bridge.mjs'
import { Checks, within } from './checking.mjs'
import { docs } from './docs.mjs'
import { examples } from './examples.mjs'
import { lite } from './lite.mjs'
import { page as thePage } from './page.mjs'
import { ISOLATED, page } from './serving.mjs'

const { PACKAGES, SITES, CHROMIUM, PROGRAM, GATEWAY, PORTAL, WORK, SHOTS } = process.env
const { chromium } = createRequire(path.join(PACKAGES, 'package.json'))('playwright-core')
// A page of this name is to the browser what a page of the web is, though it is served here.
const PUBLIC = 'notebooks.example'
const SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"><path d="M0 0h1v1H0z"/></svg>'

const PARTS = ['bridge', 'page', 'examples', 'docs', 'lite']
const wanted = new Set(process.argv.length > 2 ? process.argv.slice(2) : PARTS)
for (const part of wanted) {
  if (!PARTS.includes(part)) throw new Error(`“${part}” is no part: ${PARTS.join(', ')}`)
}
const checks = new Checks()
const foreign = new Set()
const opened = []
let browser, second

try {
  const plain = await page({}, { '/point.svg': SVG })
  const isolated = await page(ISOLATED)
  const away = await page()
  const listed = await page()
  opened.push(plain, isolated, away, listed)
  const pages = { plain: plain.origin, isolated: isolated.origin, public: `http://${PUBLIC}:${away.port}`, listed: listed.origin }
  second = await listedGateway(pages)
  browser = await launch([`--ip-address-space-overrides=127.0.0.1:${away.port}=public`, `--unsafely-treat-insecure-origin-as-secure=${pages.public}`])
  const common = { checks, open, gateway: GATEWAY, portal: PORTAL, second: second.origin, pages, sites: SITES, shots: SHOTS }
  if (wanted.has('bridge')) await bridge(common)
  if (wanted.has('page')) {
    checks.heading('The page')
    await checks.check('the page', async () => {
      const counts = await thePage({ chromium: launcher(), browser, gateway: GATEWAY, portal: PORTAL, shots: SHOTS })
      if (counts) checks.add({ passed: counts.passed, failed: counts.failed })
    })
  }
  if (wanted.has('examples')) await examples(common)
  if (wanted.has('docs')) await docs(common)
  if (wanted.has('lite')) await lite(common)
  await checks.check('nothing was asked of another machine', async () => {
    if (foreign.size > 0) throw new Error([...foreign].slice(0, 5).join(' '))
  })
} catch (error) {
  checks.add({ failed: 1 })
  console.log(`FAILED          ${error.stack}`)
} finally {
  await browser?.close()
  second?.process.kill()
  opened.forEach(each => each.close())
}
console.log(`Browser: ${checks.summary()}`)
process.exitCode = checks.failed > 0 ? 1 : 0

function launch(more = []) {
  return chromium.launch({ executablePath: CHROMIUM, headless: true, args: [...flags(), ...more] })
}

// No sandbox, because in a container we are root; no other machine's name can be resolved.
function flags() {
  return ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', `--host-resolver-rules=MAP ${PUBLIC} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1`]
}

// Playwright's, with our browser's path and flags already in place.
function launcher() {
  return { ...chromium, launch: (options = {}) => launch(options.args) }
}

// A profile of its own, with every request looked at.
async function open(options = {}) {
  const context = await browser.newContext(options)
  context.setDefaultTimeout(10_000)
  context.on('request', request => {
    const { protocol, hostname } = new URL(request.url())
    if (/^(https?|wss?):$/.test(protocol) && ![PUBLIC, '127.0.0.1'].includes(hostname)) foreign.add(request.url())
  })
  return context
}

// A gateway for the demonstration portal that lets one page read, and for files of another page.
async function listedGateway({ plain, listed }) {
  const config = path.join(WORK, 'second.yaml')
  fs.writeFileSync(config, `portals:
  listed:
    base: ${PORTAL}
    allow_cidr: ["127.0.0.1/32"]
    cors: { origins: ["${listed}"] }
  files:
    base: ${plain}
    dialect: plain
    allow_cidr: ["127.0.0.1/32"]
`)
  const gateway = spawn(PROGRAM, ['serve', '--config', config, '--listen', '127.0.0.1:0', '--no-disk', '--log-level', 'warn'],
    { stdio: ['ignore', 'pipe', 'inherit'] })
  const said = new Promise((resolve, reject) => {
    gateway.once('exit', status => reject(new Error(`the second gateway ended with status ${status}`)))
    readline.createInterface({ input: gateway.stdout }).on('line', line => {
      const at = line.match(/^unpad serves .* at (http:\/\/[0-9.:]+)\//)
      if (at) resolve(at[1])
    })
  })
  return { process: gateway, origin: await within(20_000, said, 'no address of the second gateway') }
}
