import { createServer } from 'node:http'

const server = createServer((request, response) => {
  response.end(`Hello from ${request.url}\n`)
})

server.listen(3000, () => console.log('listening on port 3000'))
process.on('SIGTERM', () => server.close())
