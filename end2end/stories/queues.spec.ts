// Holding one queue while the rest goes on, and trying one of its jobs (AV-6).
import { expect, soon, test } from '../support/test';

test.beforeEach(({ api }) => api.signIn());
test.afterEach(async ({ api }) => {
  await api.release();
  await api.resume('system');
});

test('a paused queue holds its jobs, lets one past, and goes on', async ({ page, operator, api }) => {
  await page.goto('/admin/queues');
  await page.getByRole('region', { name: 'Table of queues' }).getByRole('link', { name: 'system' }).click();
  await page.getByLabel('Reason', { exact: true }).fill('the bill is too high');
  await page.getByRole('button', { name: 'Pause system' }).click();
  await expect(operator.notice('Queue system is paused')).toBeVisible();
  await expect(page.getByText('Paused: the bill is too high.')).toBeVisible();

  const held = await api.enqueue('system.noop', {});
  const tried = await api.enqueue('system.noop', {});
  await page.goto(`/admin/jobs/${held}`);
  await expect(page.getByText('Queue system is paused: the bill is too high')).toBeVisible();
  await expect(page.getByRole('link', { name: 'Go to the cause' })).toHaveAttribute('href', '/admin/queues');

  await page.goto(`/admin/jobs/${tried}`);
  await page.getByRole('button', { name: 'Run next' }).click();
  await operator.sees(() => expect(page.getByText('Completed.')).toBeVisible(soon));

  await page.goto('/admin/queues/system');
  await page.getByLabel('Reason', { exact: true }).fill('paid');
  await page.getByRole('button', { name: 'Resume system' }).click();
  await expect(operator.notice('Queue system runs')).toBeVisible();
  await api.until(held, 'completed');
});

test('what failed in a queue is cleared from its page', async ({ page, operator, api }) => {
  const failed = await api.enqueue('system.fail', { message: 'nobody wants this', class: 'rejected' });
  await api.until(failed, 'dead');
  await page.goto('/admin/queues/system');
  await page.getByRole('link', { name: 'Clear failed jobs of system' }).click();
  await expect(page.getByText('of the queue system would be touched')).toBeVisible();
  await page.getByLabel('Reason').fill('seen, and not needed');
  const many = (await page.getByRole('heading', { level: 1 }).innerText()).replace(/\D/g, '');
  await page.getByLabel(`Type ${many} to confirm`).fill(many);
  await page.getByRole('button', { name: /^Delete \d+ dead letters?$/ }).click();
  await expect(operator.notice('begins in a moment')).toBeVisible();
  const failedNow = async () => (await api.queues()).find(({ name }) => name === 'system')?.failed;
  await expect.poll(failedNow, { timeout: 30_000 }).toBe(0);
  await page.goto('/admin/queues/system');
  await expect(page.getByRole('heading', { name: 'Clear failed' })).toHaveCount(0);
});

test('a bound that makes no sense is refused where it was typed', async ({ page, complaints }) => {
  complaints.expect(/status of 422/);
  await page.goto('/admin/queues/system');
  await page.getByLabel('Reason for the bound').fill('  ');
  await page.getByRole('button', { name: 'Set bound of system' }).click();
  await expect(page.getByText('is required: say why').first()).toBeVisible();
});
