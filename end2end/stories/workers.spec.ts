// Stopping and starting the workers and the scheduler (ST-4).
import { expect, soon, test } from '../support/test';

test.beforeEach(({ api }) => api.signIn());
test.afterEach(({ api }) => api.startFleet());

test('all workers are stopped, every page says so, and they go on', async ({ page, operator, api }) => {
  await page.goto('/admin/workers');
  await page.getByLabel('Reason to stop all workers').fill('new machines');
  await page.getByRole('button', { name: 'Stop all workers' }).click();
  await expect(operator.notice('All workers are stopped: no job starts.')).toBeVisible();
  await expect(page.getByText('All workers are stopped: new machines')).toBeVisible();

  const job = await api.enqueue('system.noop', {});
  await page.goto(`/admin/jobs/${job}`);
  await expect(page.getByText('All workers are stopped: new machines')).toBeVisible();
  await expect(page.getByRole('status').filter({ hasText: 'All workers are stopped since' })).toBeVisible();
  await page.getByRole('link', { name: 'Go to the cause' }).click();
  await page.getByLabel('Reason to start all workers').fill('they run');
  await page.getByRole('button', { name: 'Start all workers' }).click();
  await expect(operator.notice('The workers take jobs again.')).toBeVisible();
  await api.until(job, 'completed');
});

test('one worker is stopped and started', async ({ page, operator }) => {
  await page.goto('/admin/workers');
  await page.getByRole('link', { name: /^Stop… worker / }).first().click();
  await page.getByLabel(/^Reason to stop worker /).fill('its machine is slow');
  await page.getByRole('button', { name: /^Stop worker / }).click();
  await expect(operator.notice('The worker is stopped: it takes no more jobs.')).toBeVisible();
  await operator.sees(() => expect(operator.row('its machine is slow')).toBeVisible(soon));
  await page.getByLabel(/^Reason to start worker /).fill('repaired');
  await page.getByRole('button', { name: /^Start worker / }).click();
  await expect(operator.notice('The worker takes jobs again.')).toBeVisible();
});

test('the scheduler is stopped and started', async ({ page, operator }) => {
  await page.goto('/admin/workers');
  await page.getByLabel('Reason to stop the scheduler').fill('a long night');
  await page.getByRole('button', { name: 'Stop the scheduler' }).click();
  await expect(operator.notice('The scheduler is stopped: no schedule ticks.')).toBeVisible();
  await expect(page.getByText('The scheduler is stopped: a long night')).toBeVisible();
  await page.getByLabel('Reason to start the scheduler').fill('it is over');
  await page.getByRole('button', { name: 'Start the scheduler' }).click();
  await expect(operator.notice('The scheduler goes on')).toBeVisible();
});
