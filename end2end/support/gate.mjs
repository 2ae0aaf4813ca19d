// Stands between a server and its database, so that a story can take the database away and give it back:
//   node gate.mjs SOCKET     the database's unix socket
// SIGUSR2 shuts it: whoever is connected, or connects, is hung up on. SIGHUP opens it again.
import { connect, createServer } from 'node:net';

const [, , socket] = process.argv;
const connected = new Set();
let shut = false;

const gate = createServer((caller) => {
  if (shut) {
    caller.resetAndDestroy();
    return;
  }
  const database = connect(socket);
  for (const [one, other] of [[caller, database], [database, caller]]) {
    connected.add(one);
    one.on('error', () => other.destroy());
    one.on('close', () => {
      connected.delete(one);
      other.destroy();
    });
    one.pipe(other);
  }
});

function hangUp() {
  for (const one of connected) one.destroy();
}

process.on('SIGUSR2', () => {
  shut = true;
  hangUp();
});
process.on('SIGHUP', () => (shut = false));
process.on('SIGTERM', () => {
  gate.close();
  shut = true;
  hangUp();
});
gate.listen(0, '127.0.0.1', () => console.log(`listening on 127.0.0.1:${gate.address().port}`));
