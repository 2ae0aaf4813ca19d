// The database (JS-5, JS-7): a forgotten connection is closed, a table analyzed, a backup taken and verified.
import { Connections } from '../support/connections';
import { expect, test } from '../support/test';

test.beforeEach(({ api }) => api.signIn());

test('js_5 a forgotten connection is found and closed', async ({ page, operator }) => {
  const connections = new Connections();
  await connections.more();
  await page.goto('/admin');
  await operator.goTo('Database');
  // Ours bear our name; this one bears none.
  const row = operator.row('unnamed');
  await operator.sees(() => expect(row).toContainText('Idle'));
  await row.first().getByRole('link', { name: /^Close… connection / }).click();
  await page.getByLabel('Reason to close it').fill('forgotten since yesterday');
  await page.getByRole('button', { name: /^Close connection / }).click();
  await expect(operator.notice('The connection is closed.')).toBeVisible();
  await operator.sees(() => expect(row).toHaveCount(0));
  connections.close();
  await operator.goTo('Audit');
  await expect(operator.row('database.close_connection').first()).toContainText('forgotten since yesterday');
});

test('js_7 a table is analyzed, and the page shows when that is done', async ({ page, operator }) => {
  await page.goto('/admin/database');
  await page.getByRole('link', { name: 'Tables and maintenance' }).click();
  await page.getByRole('link', { name: 'Maintain… domain_mentions' }).click();
  await expect(page.getByLabel('Of', { exact: true })).toHaveValue('domain_mentions');
  await page.getByLabel('Reason to maintain').fill('after the import');
  await page.getByRole('button', { name: 'Enqueue the maintenance' }).click();
  await expect(operator.notice(/^Job \d+ does it\./)).toBeVisible();
  const done = page.getByRole('listitem').filter({ hasText: 'ANALYZE of domain_mentions' }).first();
  await operator.sees(() => expect(done).toContainText('Completed'));
});

test('js_7 a backup is taken, restored beside the database, and found to be the same', async ({ page, operator }) => {
  const reason = `before the change of ${Date.now()}`;
  await page.goto('/admin/database');
  await page.getByRole('link', { name: 'Backups', exact: true }).click();
  await expect(operator.heading('Backups')).toBeVisible();
  await page.getByLabel('Reason to back up').fill(reason);
  await page.getByRole('button', { name: 'Back up now' }).click();
  await expect(operator.notice(/^Job \d+ takes the backup\./)).toBeVisible();
  const row = operator.row(reason);
  await operator.sees(async () => {
    await expect(row).toContainText('Complete');
    await expect(row).toContainText('Verified');
  });
  await expect(row).toContainText(/signalbox_\d{8}T\d{6}Z_\d+\.dump/);
  await expect(page.getByText(/The last backup was taken .* and is verified\./)).toBeVisible();
});
