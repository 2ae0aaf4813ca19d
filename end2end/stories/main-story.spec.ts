// The main job: a pipeline is run, its result taken away, a dead letter worked, everything stopped and let go again.
import { readFile } from 'node:fs/promises';
import { isFormula, parseCsv } from '../support/csv';
import { admin } from '../support/environment';
import { expect, soon, test } from '../support/test';
import type { Api } from '../support/api';
import type { Operator } from '../support/test';

const COLUMNS = ['id', 'domain', 'display_name', 'mentions', 'posts', 'first_seen_at', 'last_seen_at'];

test('the main job, from signing in to the backlog after the kill switch', async ({ page, operator, api }) => {
  test.setTimeout(240_000);
  await test.step('signs in', async () => {
    await page.goto('/');
    await expect(operator.heading('Sign in to Signalbox')).toBeVisible();
    await operator.signIn();
    await expect(operator.heading('Overview')).toBeVisible();
    await expect(page.getByRole('banner')).toContainText(admin.email);
  });
  await test.step('runs a discovery', () => discovers(operator));
  await test.step('finds domains', () => findsDomains(operator));
  await test.step('takes them away as CSV', () => takesCsv(operator));
  await test.step('works a dead letter', () => worksDeadLetter(operator, api));
  await test.step('stops everything', () => stopsEverything(operator, api));
});

test.afterEach(({ api }) => api.release());

async function discovers(operator: Operator): Promise<void> {
  const { page } = operator;
  await page.getByRole('button', { name: 'Run discovery now' }).click();
  const notice = operator.notice('Discovery is on its way as job');
  await notice.getByRole('link', { name: 'See the job' }).click();
  await expect(operator.heading(/^domains\.discovery \d+$/)).toBeVisible();
  await operator.sees(() => expect(page.getByText('Completed.')).toBeVisible(soon));
}

async function findsDomains(operator: Operator): Promise<void> {
  const { page } = operator;
  await operator.goTo('Domains');
  const table = page.getByRole('region', { name: 'Table of domains' });
  await operator.sees(() => expect(table.getByRole('row').nth(3)).toBeVisible(soon));
  const host = await table.getByRole('rowheader').first().getByRole('link').innerText();
  await table.getByRole('rowheader').first().getByRole('link').click();
  await expect(operator.heading(host)).toBeVisible();
  await expect(page.getByRole('region', { name: 'Table of mentions' }).getByRole('row').nth(1)).toBeVisible();
  await operator.goTo('Domains');
}

async function takesCsv(operator: Operator): Promise<void> {
  const { page } = operator;
  const shown = await page.getByRole('region', { name: 'Table of domains' }).getByRole('rowheader').first().innerText();
  const [header, ...domains] = await downloaded(operator, 'Download CSV');
  expect(header).toEqual(COLUMNS);
  expect(domains.length).toBeGreaterThanOrEqual(1);
  expect(domains.map((row) => row[2])).toContain(shown.split('\n')[0]);
  expect(domains.flat().filter(isFormula)).toEqual([]);

  await page.getByRole('region', { name: 'Table of domains' }).getByRole('link').first().click();
  const [mentionHeader, ...mentions] = await downloaded(operator, 'Download mentions');
  expect(mentionHeader).toContain('raw_url');
  expect(mentions.length).toBeGreaterThanOrEqual(1);
  expect(mentions.flat().filter(isFormula)).toEqual([]);
}

/** The records of the CSV behind a link. */
async function downloaded({ page }: Operator, link: string): Promise<string[][]> {
  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: link }).click();
  const file = await download;
  expect(file.suggestedFilename()).toMatch(/\.csv$/);
  return parseCsv(await readFile(await file.path(), 'utf8'));
}

async function worksDeadLetter(operator: Operator, api: Api): Promise<void> {
  const { page } = operator;
  const message = `no such film ${Date.now()}`;
  const job = await api.enqueue('system.fail', { message });
  await operator.goTo('Dead letters');
  // The letter's own row, not that of its group.
  const row = page.locator('tr[id^="dlq-"]').filter({ hasText: message });
  await operator.sees(() => expect(row).toBeVisible(soon));
  await expect(row).toContainText(`${job}`);
  await expect(row).toContainText('Pending');

  await row.getByRole('button', { name: 'Retry' }).click();
  await expect(operator.notice(`Job ${job} is scheduled again.`)).toBeVisible();
  await operator.sees(async () => {
    await expect(row.getByRole('cell', { name: '2', exact: true })).toBeVisible(soon);
    await expect(row).toContainText('Pending', soon);
  });

  await row.getByRole('button', { name: 'Delete' }).click();
  const dialog = page.getByRole('dialog', { name: /Delete dead letter \d+ for good\?/ });
  await dialog.getByRole('button', { name: 'Keep it' }).click();
  await expect(dialog).toBeHidden();
  await row.getByRole('button', { name: 'Delete' }).click();
  await dialog.getByRole('button', { name: 'Delete dead letter' }).click();
  const notice = operator.notice(/Dead letter \d+ is deleted\./);
  await expect(notice).toBeVisible();
  await expect(row).toHaveCount(0);
  await notice.getByRole('link', { name: 'See the log' }).click();
  await expect(operator.row(`(job ${job}) deleted by ${admin.email}`)).toBeVisible();
}

async function stopsEverything(operator: Operator, api: Api): Promise<void> {
  const { page } = operator;
  const reason = `rows look wrong ${Date.now()}`;
  await operator.goTo('Kill switch');
  await page.getByLabel('Reason').fill(reason);
  await page.getByRole('button', { name: 'Stop all jobs' }).click();
  await expect(operator.notice('The kill switch is on: no job starts.')).toBeVisible();
  await operator.sees(() => expect(page.getByText('On: nothing starts')).toBeVisible(soon));

  const backlog: number[] = [];
  for (let i = 0; i < 5; i++) backlog.push(await api.enqueue('system.noop'));
  for (const job of [backlog[0], backlog[4]]) {
    await page.goto(`/admin/jobs/${job}`);
    await expect(page.getByText(`The kill switch is on: ${reason}`)).toBeVisible();
    await expect(page.getByText('Waiting.')).toBeVisible();
    await expect(operator.notice('no job starts').filter({ hasText: reason })).toBeVisible();
  }
  await page.getByRole('link', { name: 'Go to the cause' }).click();
  await expect(operator.heading('Kill switch')).toBeVisible();
  for (const job of backlog) expect((await api.job(job)).state).toBe('available');

  await page.getByLabel('Reason to release').fill('looked at: they are right');
  await page.getByRole('button', { name: /^Release: / }).click();
  await expect(operator.notice('The kill switch is off: jobs start again.')).toBeVisible();
  const released = Date.parse((await api.killSwitch()).changedAt ?? '');
  for (const job of backlog) {
    await api.until(job, 'completed');
    expect(Date.parse((await api.job(job)).startedAt ?? '')).toBeGreaterThanOrEqual(released);
  }
  await page.goto(`/admin/jobs/${backlog[0]}`);
  await expect(page.getByText('Completed.')).toBeVisible();
  await expect(page.getByText('The kill switch is on')).toHaveCount(0);
}
