// One line for each check: whether it held, how long it took and what it saw.

import { performance } from 'node:perf_hooks'
import { stripVTControlCharacters } from 'node:util'

// Whatever a check waits for, it is here within this time also on a machine that does other things.
const PATIENCE = 120_000

export class Checks {
  passed = 0
  failed = 0
  started = performance.now()

  // Runs `what`, which says in its answer what it saw; tells whether it held.
  async check(title, what) {
    const started = performance.now()
    let verdict = 'ok    '
    let said
    try {
      said = await within(PATIENCE, what())
      this.passed += 1
    } catch (error) {
      this.failed += 1
      verdict = 'FAILED'
      said = tell(error)
    }
    console.log(`${verdict} ${seconds(started).padStart(5)} s  ${title}${said ? `: ${String(said).replaceAll('\n', ' | ')}` : ''}`)
    return verdict !== 'FAILED'
  }

  heading(title) {
    console.log(`--- ${title}, after ${seconds(this.started)} s`)
  }

  // Counts what another part has checked by itself.
  add({ passed = 0, failed = 0 }) {
    this.passed += passed
    this.failed += failed
  }

  summary() {
    return `${this.passed} passed, ${this.failed} failed in ${seconds(this.started)} s`
  }
}

// What `promise` brings, or an error after that many milliseconds.
export function within(patience, promise, what = 'nothing') {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} came within ${patience / 1000} s`)), patience)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

function seconds(since) {
  return ((performance.now() - since) / 1000).toFixed(1)
}

function tell(error) {
  const message = stripVTControlCharacters(String(error?.message ?? error)).replaceAll(/\s+/g, ' ').slice(0, 1500)
  const line = String(error?.stack).split('\n').find(each => /\/(bridge|examples|lite|notebook|page)\.mjs:/.test(each))
  return line ? `${message} (${line.trim().replace(/^.*\/(?=\w+\.mjs)/, '').replace(/\)$/, '')})` : message
}
