// The audit log (AV-11): what was done is found, whole and as it was.
import { admin } from '../support/environment';
import { expect, soon, test } from '../support/test';

test.beforeEach(async ({ api }) => api.signIn());

test('av_11 what somebody did is found with its reason, verified and exported', async ({ page, operator, api }) => {
  const reason = `a rehearsal of ${Date.now()}`;
  await api.send('POST', '/api/ops/queues/system/pause', { reason });
  await api.send('POST', '/api/ops/queues/system/resume', { reason: `${reason} is over` });
  await page.goto('/admin');
  await operator.goTo('Audit');
  await page.getByRole('searchbox', { name: 'Text in the subject or the reason' }).fill(reason);
  await page.getByRole('button', { name: 'Search' }).click();
  await expect(page.getByRole('row')).toHaveCount(3);
  const row = operator.row('queue.pause');
  await expect(row).toContainText(admin.email);
  await expect(row).toContainText(reason);

  await operator.sees(async () => {
    await page.getByRole('button', { name: 'Verify the seals' }).click();
    await expect(operator.notice(/The chain is intact: [\d,]+ entries are as they were written\..* The last seal is [0-9a-f]{64}\./)).toBeVisible(soon);
  });
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Export CSV' }).click()]);
  expect(download.suggestedFilename()).toMatch(/^audit-log_\d{8}T\d{6}Z\.csv$/);
  const csv = Buffer.concat(await (await download.createReadStream()).toArray()).toString();
  expect(csv).toContain(reason);
});
