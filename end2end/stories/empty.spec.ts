// A first look around: nothing has happened yet, and no worker or scheduler has been started.
import type { Page } from '@playwright/test';
import { empty } from '../support/environment';
import { routes } from '../support/routes';
import { expect, test } from '../support/test';
import { hydrated } from '../support/live';

// A trace of so many pages costs more than the pages.
test.use({ baseURL: empty.url, trace: 'off' });

/** What the lists say when they have nothing to list. */
const SAID: Record<string, string> = {
  overview: 'Nothing was logged yet.',
  jobs: 'No jobs yet',
  'jobs-none': 'No job matches',
  backfill: 'No backfill lately',
  queue: 'Nothing was logged yet.',
  workers: 'No worker is registered',
  breaker: 'It has never moved',
  'dead-letters-bulk': 'No pending dead letter matches',
  'dead-letters': 'The siding is empty',
  'dead-letters-none': 'No dead letter matches',
  'kill-switch': 'Nothing was logged yet.',
  exports: '0 domains are to download.',
  logs: 'Nothing was logged yet.',
  matviews: 'Nothing was logged yet.',
  domains: 'No domains yet',
  'domains-none': 'No domain matches',
};

/** Whose tables are drawn without a row: types and queues seen lately, and schedules. */

test('every page has something to say', async ({ page, operator }) => {
  await page.goto('/login');
  await operator.signIn();
  await expect(operator.heading('Overview')).toBeVisible();
  for (const route of routes.filter((route) => !route.one)) {
    await test.step(route.name, async () => {
      // Nothing is made: no path of these asks for it.
      const answer = await page.goto(route.path({ completedJob: 0, deadJob: 0, waitingJob: 0, domain: 0 }));
      expect(answer?.status()).toBe(200);
      await expect(page.getByRole('heading', { level: 1 })).toHaveCount(1);
      const said = SAID[route.name];
      if (said) await expect(page.getByRole('main').getByText(said, { exact: true })).toBeVisible();
      expect(await bareTables(page), 'tables without a row').toEqual([]);
      await expect(page.getByRole('main').getByText(/NaN|undefined|null|Infinity/)).toHaveCount(0);
      if (!route.still) await hydrated(page);
    });
  }
  expect(Object.keys(SAID).filter((name) => !routes.some((route) => route.name === name))).toEqual([]);
});

test('an empty list leads to what fills it', async ({ page, operator }) => {
  await page.goto('/domains');
  await operator.signIn();
  await expect(operator.heading('Domains')).toBeVisible();
  await page.getByRole('link', { name: 'Go to the jobs' }).click();
  await expect(page.getByRole('button', { name: 'Run discovery' })).toBeVisible();
});

/** The columns of tables that have nothing but a header. */
async function bareTables(page: Page): Promise<string[]> {
  const tables = page.getByRole('main').locator('table:not(:has(tbody tr))');
  return (await tables.locator('thead').allInnerTexts()).map((text) => text.replace(/\s+/g, ' '));
}
