// Prints the lines that the page writes, for what standard input describes: a list of what
// clients/page/snippets.js is asked, as JSON. SNIPPETS is a copy of that file which node takes for a module.

import fs from 'node:fs'
import { pathToFileURL } from 'node:url'

const { snippets } = await import(pathToFileURL(process.env.SNIPPETS))

const asked = JSON.parse(fs.readFileSync(0, 'utf8'))
console.log(JSON.stringify(asked.map(each => Object.fromEntries(snippets(each).map(({ id, code }) => [id, code])))))
