// Every page without the mouse.
import AxeBuilder from '@axe-core/playwright';
import type { Locator } from '@playwright/test';
import { hydrated } from '../support/live';
import { expect, test } from '../support/test';

/** Presses Tab until this has the focus. */
async function tabTo(wanted: Locator): Promise<void> {
  const has = () => wanted.first().evaluate((element) => element === document.activeElement);
  for (let i = 0; i < 100; i++) {
    if ((await wanted.count()) && (await has())) return;
    await wanted.page().keyboard.press('Tab');
  }
  throw new Error(`no tab leads to ${wanted}`);
}

test.beforeEach(async ({ api }) => api.signIn());

test('keys lead from page to page, to the search field, through the rows, and are explained', async ({ page, api, operator }) => {
  const job = await api.enqueue('system.noop', { mark: 'by key' });
  await api.until(job, 'completed');
  await page.goto('/admin');
  await hydrated(page);

  await page.keyboard.press('?');
  const keys = page.getByRole('dialog', { name: 'Keys' });
  await expect(keys).toBeVisible();
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  await page.keyboard.press('Escape');
  await expect(keys).toBeHidden();

  await page.keyboard.press('g');
  await page.keyboard.press('j');
  await expect(operator.heading('Jobs')).toBeVisible();
  await page.keyboard.press('/');
  const search = page.getByRole('searchbox').first();
  await expect(search).toBeFocused();
  await page.keyboard.type('gd?');
  await expect(search).toHaveValue('gd?');
  await expect(operator.heading('Jobs')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(search).not.toBeFocused();

  await page.goto('/admin/queues');
  await hydrated(page);
  const rows = page.locator('main tbody tr');
  await page.keyboard.press('j');
  await expect(rows.nth(0).getByRole('link').first()).toBeFocused();
  await page.keyboard.press('j');
  await expect(rows.nth(1).getByRole('link').first()).toBeFocused();
  await page.keyboard.press('k');
  await expect(rows.nth(0).getByRole('link').first()).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/admin\/queues\/./);
});

test('the kill switch is turned on and off by keys alone', async ({ page, api, operator }) => {
  await page.goto('/admin');
  await hydrated(page);
  await page.keyboard.press('g');
  await page.keyboard.press('k');
  await expect(operator.heading('Kill switch')).toBeVisible();
  await tabTo(page.getByRole('textbox', { name: /^Reason/ }));
  await page.keyboard.type('by key');
  await tabTo(page.getByRole('button', { name: /^Stop all jobs/ }));
  await page.keyboard.press('Enter');
  await expect(operator.notice('The kill switch is on: no job starts.')).toBeVisible();
  expect((await api.killSwitch()).active).toBe(true);
  await expect(page.getByRole('button', { name: /^Release/ })).toBeVisible();
  await tabTo(page.getByRole('textbox', { name: /^Reason to release/ }));
  await page.keyboard.type('by key too');
  await tabTo(page.getByRole('button', { name: /^Release/ }));
  await page.keyboard.press('Enter');
  await expect(operator.notice('The kill switch is off: jobs start again.')).toBeVisible();
  await api.release();
});

test('a dead letter is retried, and deleted, by keys alone', async ({ page, api, operator }) => {
  const job = await api.enqueue('system.fail', { message: 'to be worked by key', class: 'rejected' });
  await api.until(job, 'dead');
  await page.goto('/admin');
  await hydrated(page);
  await page.keyboard.press('g');
  await page.keyboard.press('d');
  await expect(operator.heading('Dead letters')).toBeVisible();
  const letter = async () => (await api.deadLetters()).find(({ jobId }) => jobId === job)?.id;
  await tabTo(page.getByRole('button', { name: new RegExp(`^Retry dead letter ${await letter()}$`) }));
  await page.keyboard.press('Enter');
  await expect(operator.notice(`Job ${job} is scheduled again.`)).toBeVisible();
  await expect.poll(async () => (await api.deadLetters()).find(({ jobId }) => jobId === job)?.status).toBe('pending');
  await page.reload();
  await hydrated(page);
  const id = await letter();
  await tabTo(page.getByRole('button', { name: new RegExp(`^Delete dead letter ${id}$`) }));
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: `Delete dead letter ${id} for good?` });
  await expect(dialog).toBeVisible();
  await tabTo(dialog.getByRole('button', { name: `Delete dead letter ${id}` }));
  await page.keyboard.press('Enter');
  await expect(operator.notice(`Dead letter ${id} is deleted.`)).toBeVisible();
  expect(await letter()).toBeUndefined();
});

test('by typing one goes anywhere', async ({ page, operator, api }) => {
  const job = await api.enqueue('system.noop');
  await page.goto('/admin');
  await hydrated(page);
  const palette = page.getByRole('dialog', { name: 'Go to' });
  await page.keyboard.press('Control+k');
  await expect(palette.getByRole('searchbox')).toBeFocused();
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  await page.keyboard.type('stuck');
  await page.keyboard.press('Enter');
  await expect(operator.heading('Stuck jobs')).toBeVisible();
  await expect(palette).toBeHidden();

  await page.keyboard.press('Control+k');
  await page.keyboard.type(`#${job}`);
  await page.keyboard.press('ArrowDown');
  await expect(palette.getByRole('link', { name: `Job ${job}` })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(`/admin/jobs/${job}`);
  await expect(palette).toBeHidden();
});
