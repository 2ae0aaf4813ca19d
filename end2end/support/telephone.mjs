// What alerts are posted to, as Slack would take them. GET answers with everything that was heard:
//   [{ signature, body }]
import { createServer } from 'node:http';

const heard = [];
const server = createServer((request, response) => {
  if (request.method === 'GET') {
    response.setHeader('content-type', 'application/json').end(JSON.stringify(heard));
    return;
  }
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (part) => (body += part));
  request.on('end', () => {
    heard.push({ signature: request.headers['x-signalbox-signature'] ?? '', body });
    response.end('ok');
  });
});
process.on('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
});
server.listen(0, '127.0.0.1', () => console.log(`listening on 127.0.0.1:${server.address().port}`));
