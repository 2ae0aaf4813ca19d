// Connections to the database that do nothing but be there.
import { connect, type Socket } from 'node:net';
import { databaseSocket } from './environment';

/** What a client says first: length, protocol 3.0, and who it is (https://www.postgresql.org/docs/current/protocol-message-formats.html). */
function startup(): Buffer {
  const who = Buffer.from('user\0postgres\0database\0postgres\0\0');
  const head = Buffer.alloc(8);
  head.writeInt32BE(head.length + who.length, 0);
  head.writeInt32BE(3 << 16, 4);
  return Buffer.concat([head, who]);
}

export class Connections {
  private readonly open: Socket[] = [];

  /** Opens one more, and waits until it is let in. */
  async more(): Promise<void> {
    const socket = connect(databaseSocket);
    this.open.push(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      // `R`: the way to authenticate, which is that there is none.
      socket.once('data', (answer) => (answer[0] === 'R'.charCodeAt(0) ? resolve() : reject(new Error(answer.toString()))));
      socket.write(startup());
    });
    socket.on('error', () => undefined);
  }

  close(): void {
    for (const socket of this.open.splice(0)) socket.destroy();
  }
}
