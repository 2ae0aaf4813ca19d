// A picture of every page: screenshots/<page>-<light|dark>-<width>.png; then of the pages that trouble changes.
import { test, type Page } from '@playwright/test';
import { Api } from './support/api';
import { prepare, routes } from './support/routes';

const WIDTHS = [1280, 320];
const FOLDER = '../screenshots';

test('pictures', async ({ page, context }) => {
  const api = new Api(context.request);
  const made = await prepare(api);
  for (const route of routes) {
    await pictures(page, route.name, route.path(made));
  }

  await api.set('mcp_cb_cooldown_ms', 60_000);
  await api.dial({ mode: 'error', status: 503 });
  for (let i = 0; i < 6; i++) await api.discover(1);
  await api.untilBreaker('open');
  await pictures(page, 'overview-open', '/admin');
  await pictures(page, 'jobs-open', '/admin/jobs');
  await pictures(page, 'runbooks-open', '/admin/runbooks');
  await api.send('POST', '/api/admin/runbooks/breaker-open', { action: 'start', severity: 'P2' });
  await pictures(page, 'runbook-open', '/admin/runbooks/breaker-open');
  await api.send('POST', '/api/admin/runbooks/breaker-open', { action: 'end', note: 'The picture is taken' });
  await api.send('POST', '/api/admin/kill-switch', { reason: 'The rows of the last hour look wrong' });
  await pictures(page, 'overview-stopped', '/admin');
  await pictures(page, 'kill-switch-on', '/admin/kill-switch');
  await pictures(page, 'lost', '/admin/nowhere');
  await api.release();
  await api.dial({ mode: 'none' });
});

async function pictures(page: Page, name: string, path: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 800 });
      await page.goto(path);
      await page.screenshot({ path: `${FOLDER}/${name}-${colorScheme}-${width}.png`, fullPage: true });
    }
  }
}
