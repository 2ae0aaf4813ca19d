// What lib.sh has started, and the browser that looks at it.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

function variable(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: start the tests with end2end/run.sh`);
  return value;
}

export const baseURL = variable('BASE_URL');
export const sandboxURL = variable('SANDBOX_URL');
export const admin = { email: variable('ADMIN_EMAIL'), password: variable('ADMIN_PASSWORD') };

/** A server nobody has signed in to yet. */
export const fresh = {
  url: variable('FRESH_URL'),
  email: variable('FRESH_EMAIL'),
  password: variable('FRESH_PASSWORD'),
};

/** A server in whose database nothing has ever happened. The admin is the same. */
export const empty = { url: variable('EMPTY_URL') };

/** A server on the same database, behind a gate that stories shut. */
export const gated = { url: variable('GATED_URL'), gate: Number(variable('GATE_PID')) };

/** Where the private database of the server under test listens: a unix socket. */
export const databaseSocket = variable('DATABASE_SOCKET');

/** What alerts are posted to. */
export const telephoneURL = variable('TELEPHONE_URL');

const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const MAC_BROWSERS = ['Chromium', 'Google Chrome'].map((name) => `/Applications/${name}.app/Contents/MacOS/${name}`);

/** The browser: CHROMIUM, or the first of the usual ones. */
function browser(): string {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const onPath = BROWSERS.flatMap((name) => folders.map((folder) => join(folder, name)));
  const found = process.env.CHROMIUM || [...onPath, ...MAC_BROWSERS].find((path) => existsSync(path));
  if (!found) throw new Error('There is no Chromium. Install it, or name one: CHROMIUM=/path/to/chrome');
  return found;
}

export const launchOptions = {
  executablePath: browser(),
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
};
