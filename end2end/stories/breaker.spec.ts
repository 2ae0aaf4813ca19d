// The provider fails, and comes back (OP-1).
import { expect, soon, test } from '../support/test';

const THRESHOLD = 3;
/** Long enough to be seen open, whenever the page asks. */
const COOLDOWN_MS = 8_000;

test.beforeEach(async ({ api }) => {
  await api.signIn();
  await api.untilQuiet();
  await api.set('mcp_cb_cooldown_ms', COOLDOWN_MS);
});

test.afterEach(async ({ api }) => {
  await api.dial({ mode: 'none' });
  await api.set('mcp_cb_failure_threshold', 5);
  await api.set('mcp_cb_cooldown_ms', 2_000);
});

test('the breaker opens, jobs park with their attempts unspent, and the backlog completes', async ({ page, operator, api }) => {
  const lettersBefore = (await api.deadLetters()).map((letter) => letter.id);
  await page.goto('/admin/config');
  const setting = operator.row('mcp_cb_failure_threshold');
  await setting.getByRole('spinbutton').fill(String(THRESHOLD));
  await setting.getByRole('button', { name: 'Save' }).click();
  await expect(operator.notice('mcp_cb_failure_threshold')).toBeVisible();

  await api.dial({ mode: 'error', status: 500 });
  const jobs: number[] = [];
  for (let i = 0; i < THRESHOLD + 2; i++) jobs.push(await api.discover(1));
  await page.goto('/admin/jobs');
  const breaker = page.getByRole('region', { name: 'MCP' });
  await operator.sees(async () => {
    await expect(page.getByRole('banner')).toContainText('MCP open', soon);
    await expect(breaker).toContainText('No call goes out; jobs are parked and no attempt is spent.', soon);
  });
  await expect(page.getByRole('banner')).toContainText('Blocked');
  await expect(breaker).toContainText('threshold reached');

  const parked = jobs[jobs.length - 1];
  await page.goto(`/admin/jobs/${parked}`);
  await operator.sees(() => expect(operator.notice('The breaker of provider mcp is open')).toBeVisible(soon));
  await expect(page.getByText('0 of 5 attempts spent.')).toBeVisible();
  for (const job of jobs) expect((await api.job(job)).attempt).toBe(0);

  await api.dial({ mode: 'none' });
  for (const job of jobs) await api.until(job, 'completed');
  await operator.sees(() => expect(page.getByText('Completed.')).toBeVisible(soon));
  await page.goto('/admin/jobs');
  await operator.sees(() => expect(breaker).toContainText('Calls go out.', soon));
  await expect(page.getByRole('banner')).toContainText('MCP closed');
  expect((await api.deadLetters()).map((letter) => letter.id)).toEqual(lettersBefore);
});
