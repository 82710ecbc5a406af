// Servers of pages on loopback, each with a port and therefore an origin of its own.

import fs from 'node:fs'
import http from 'node:http'
import path from 'node:path'

const TYPES = {
  '.css': 'text/css', '.html': 'text/html', '.ico': 'image/x-icon', '.ipynb': 'application/json', '.js': 'text/javascript',
  '.json': 'application/json', '.mjs': 'text/javascript', '.png': 'image/png', '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm', '.webmanifest': 'application/manifest+json', '.whl': 'application/zip'
}
export const ISOLATED = {
  'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp', 'cross-origin-resource-policy': 'same-origin'
}
const EMPTY = '<!doctype html><meta charset="utf-8"><title>A page</title><link rel="icon" href="data:,">'

// Serves what `made` has under a path (text, or a function that makes it), then the files of `folder`.
export async function serve({ folder, made = {}, fields = {} }) {
  const server = http.createServer((request, response) => {
    const asked = decodeURIComponent(new URL(request.url, 'http://x').pathname)
    const answer = find(asked, folder, made)
    if (answer === undefined) {
      response.writeHead(404, { 'content-type': 'text/plain', ...fields }).end('There is no such file')
      return
    }
    const type = TYPES[path.extname(asked.endsWith('/') ? 'index.html' : asked)] ?? 'application/octet-stream'
    response.writeHead(200, { 'content-type': type, 'cache-control': 'no-cache', ...fields }).end(answer)
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    close: () => {
      server.closeAllConnections()
      server.close()
    }
  }
}

// An empty page at `/`, for scripts that a test brings itself, and what else it is to have.
export function page(fields = {}, made = {}) {
  return serve({ made: { '/': EMPTY, ...made }, fields })
}

function find(asked, folder, made) {
  const answer = made[asked]
  if (answer !== undefined) return typeof answer === 'function' ? answer() : answer
  if (!folder) return undefined
  const root = path.resolve(folder)
  const file = path.join(root, asked.endsWith('/') ? `${asked}index.html` : asked)
  if (!file.startsWith(root + path.sep) || !fs.existsSync(file) || fs.statSync(file).isDirectory()) return undefined
  return fs.readFileSync(file)
}
