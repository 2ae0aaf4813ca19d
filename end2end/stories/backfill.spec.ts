// A backfill: what it costs, holding it, letting it go on (OP-11).
import { expect, soon, test } from '../support/test';

test.beforeEach(({ api }) => api.signIn());
test.afterEach(({ api }) => api.set('discovery_rpm', 6000));

test('op_11 a backfill is estimated, started, held, released, and says how far it is', async ({ page, operator, api }) => {
  await api.set('discovery_rpm', 6);
  await page.goto('/admin/jobs');
  await page.getByRole('link', { name: 'Start or watch a backfill' }).click();
  await expect(operator.heading('Backfill')).toBeVisible();
  await page.getByLabel('Days, today included').fill('3');
  await page.getByLabel('Posts of a day at most').fill('10');
  await page.getByRole('button', { name: 'Estimate' }).click();
  await expect(page.getByText('About 3 searches: at least 30.0 s at 6 a minute.')).toBeVisible();
  await page.getByRole('button', { name: 'Start backfill of 3 days' }).click();
  await expect(operator.notice('The backfill of 3 days is on its way')).toBeVisible();

  const table = page.getByRole('region', { name: 'Table of backfills' });
  await table.getByRole('button', { name: /^Hold job/ }).first().click();
  const dialog = page.getByRole('dialog', { name: /^Hold job/ });
  await dialog.getByLabel('Reason').fill('too dear today');
  await dialog.getByRole('button', { name: /^Hold job/ }).click();
  await expect(operator.notice('is held until it is released')).toBeVisible();
  // Without JavaScript the outcome is told on the job's own page.
  await page.goto('/admin/jobs/backfill');
  await operator.sees(() => expect(table.getByText(/by .+: too dear today/)).toBeVisible(soon));

  await api.set('discovery_rpm', 600);
  await table.getByRole('button', { name: /^Release job/ }).first().click();
  await page.goto('/admin/jobs/backfill');
  await operator.sees(() => expect(table.getByText('3 of 3 days, 30 posts')).toBeVisible(soon));
});
