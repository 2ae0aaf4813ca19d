// The kill switch and what runs while it is pulled (OP-4).
import { expect, soon, test } from '../support/test';

test.beforeEach(({ api }) => api.signIn());
test.afterEach(({ api }) => api.release());

test('a running job goes back unspent, runs again, and can be cancelled', async ({ page, operator, api }) => {
  const job = await api.enqueue('system.sleep', { ms: 600_000 });
  await api.until(job, 'running');

  await page.goto('/admin/kill-switch');
  await page.getByLabel('Reason').fill('a fire drill');
  await page.getByRole('button', { name: 'Stop all jobs' }).click();
  await expect(operator.notice('The kill switch is on: no job starts.')).toBeVisible();
  await page.goto(`/admin/jobs/${job}`);
  await operator.sees(() => expect(page.getByText('interrupted, attempt not spent')).toBeVisible(soon));
  await expect(page.getByText('0 of 3 attempts spent.')).toBeVisible();

  await api.release();
  await operator.sees(() => expect(page.getByText('Running.')).toBeVisible(soon));
  await page.getByText('Cancel this job').click();
  await page.getByRole('button', { name: `Cancel job ${job}` }).click();
  await expect(operator.notice(`Job ${job} is cancelled.`)).toBeVisible();
  await operator.sees(() => expect(page.getByText('Cancelled.', { exact: true })).toBeVisible(soon));
});

test('it takes a reason', async ({ page, operator, api, complaints }) => {
  complaints.expect(/status of 422/);
  await page.goto('/admin/kill-switch');
  await page.getByLabel('Reason').fill('   ');
  await page.getByRole('button', { name: 'Stop all jobs' }).click();
  await expect(page.getByLabel('Reason')).toHaveAttribute('aria-invalid', 'true');
  await expect(operator.heading('Kill switch')).toBeVisible();
  expect((await api.killSwitch()).active).toBe(false);
});
