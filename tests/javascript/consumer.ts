// Not run: the type checker reads it, and what it should refuse has to be refused.
import * as unpad from '../../clients/javascript/unpad.js'

export async function reads(signal: AbortSignal): Promise<void> {
  unpad.use(new URL('http://127.0.0.1:8080'))
  const base: string = unpad.gateway()
  const { kind, url } = await unpad.resolve(base, { signal })
  if (kind === 'dataset') console.log(url)
  // @ts-expect-error: no such kind
  if (kind === 'page') return
  const found = await unpad.datasets('demo', 'air', { limit: 5, offset: 5, signal })
  const total: number = found.total
  // @ts-expect-error: how many there are is told, not set
  found.total = total
  for (const one of found) {
    for (const resource of await unpad.resources(one)) {
      if (!resource.inDatastore) continue
      const rows = await unpad.table('demo', resource, { integers: 'bigint', fields: ['a'], onProgress: ({ rows, total }) => rows / total })
      const value: unknown = rows[0]?.a
      console.log(value, rows.fields[0]?.type, unpad.provenance(rows).retrieved.toISOString())
    }
  }
  // @ts-expect-error: no such choice
  await unpad.readJSON('demo', { integers: 'exact' })
  const { name } = await unpad.readJSON<{ name: string }>('demo/dataset/x', { refresh: true })
  const csv = await unpad.readCSV(name, { delimiter: ';', encoding: 'windows-1252', onProgress: ({ bytes, total }) => bytes / (total ?? 1) })
  const text: string | undefined = csv[0]?.[csv.columns[0] ?? '']
  const bytes: Uint8Array = await unpad.readBytes('demo')
  const response: Response = await unpad.fetchThrough('demo', { method: 'HEAD' })
  const { path, provenance } = await unpad.save('demo', 'a.json', { mimeType: 'application/json', binary: true })
  await unpad.saveJSON('demo', 'a.json', 'text/json', false)
  console.log(text, bytes, response, path, provenance.cache.stale, unpad.parseJSON('1', 'text'), unpad.parseCSV('a').columns)
  const decoded: { text: string; encoding: string } = unpad.decodeText(bytes, 'text/csv', { cut: true })
  const error: unpad.UnpadError = await unpad.responseError(response)
  console.log(decoded, error.title)
  // @ts-expect-error: a text has no provenance
  unpad.provenance(await unpad.readText('demo'))
}

export function told(error: unknown): string {
  return error instanceof unpad.UnpadError ? `${error.title} ${error.advice} ${error.status ?? ''}` : String(error)
}
