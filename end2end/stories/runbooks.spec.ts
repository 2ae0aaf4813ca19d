// A runbook walked from red to green (RB): the provider fails, and the four steps are on one page.
import type { Api } from '../support/api';
import { expect, soon, test } from '../support/test';

test.beforeEach(async ({ api }) => {
  await api.signIn();
  await api.untilQuiet();
});

test.afterEach(async ({ api }) => {
  await api.release();
  await api.dial({ mode: 'none' });
  await api.set('mcp_cb_failure_threshold', 5);
  await api.set('mcp_cb_cooldown_ms', 2_000);
});

test('an open breaker is detected, explained, mended, verified and written down', async ({ page, operator, api }) => {
  // So long that only a person closes it.
  await api.set('mcp_cb_cooldown_ms', 600_000);
  await api.set('mcp_cb_failure_threshold', 3);
  await api.dial({ mode: 'error', status: 500 });
  const jobs: number[] = [];
  for (let i = 0; i < 4; i++) jobs.push(await api.discover(1));
  await api.untilBreaker('open');

  // The strip leads there from every page.
  await page.goto('/admin/jobs');
  await page.getByRole('link', { name: 'Overall: Blocked' }).click();
  await expect(operator.heading('Runbooks')).toBeVisible();
  await expect(operator.row('Breaker open')).toContainText('Happening');
  await page.getByRole('link', { name: 'Breaker open', exact: true }).click();
  await expect(operator.heading('Breaker open')).toBeVisible();
  await expect(page.getByText('It is happening.')).toBeVisible();
  const step = (name: string) => page.locator('ol.runbook > li').filter({ has: page.getByRole('heading', { name }) });

  await page.getByLabel('Severity').selectOption('P2');
  await page.getByRole('button', { name: 'Take it on' }).click();
  await expect(operator.notice('You have taken it on.')).toBeVisible();
  await operator.sees(() => expect(page.getByRole('heading', { name: /^Run \d+: P2$/ })).toBeVisible(soon));

  await expect(step('Detection')).toContainText('no call goes out since');
  await expect(step('Diagnosis')).toContainText('Last error of mcp');
  await expect(step('Verification')).toContainText('Not yet');

  await api.dial({ mode: 'none' });
  await page.getByLabel('Reason to: Let calls to mcp go out').fill('their status page is green');
  await page.getByRole('button', { name: 'Let calls to mcp go out' }).click();
  await expect(operator.notice('The breaker of mcp is closed: calls go out.')).toBeVisible();
  for (const job of jobs) await api.until(job, 'completed');
  await operator.sees(() => expect(step('Verification')).toContainText('Verified: all in order', soon));
  await expect(page.getByText('It is not happening.')).toBeVisible();

  await page.getByLabel('What it was, and what is left to do').fill('their certificate had expired');
  await page.getByRole('button', { name: 'End the run' }).click();
  await expect(operator.notice('The run has ended.')).toBeVisible();
  await operator.sees(() => expect(page.getByRole('link', { name: /^Record of run/ }).first()).toBeVisible(soon));
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: /^Record of run/ }).first().click(),
  ]);
  expect(download.suggestedFilename()).toMatch(/^breaker-open-run-\d+\.md$/);
  const record = await (await download.createReadStream()).toArray();
  const text = Buffer.concat(record).toString();
  for (const part of ['Detection', 'Diagnosis', 'Mitigation | The breaker of mcp is closed', 'Verification', 'their certificate had expired']) {
    expect(text).toContain(part);
  }
});

test('jobs that nobody takes: the runbook names what holds them, and lets go', async ({ page, operator, api }) => {
  await api.send('POST', '/api/ops/queues/system/pause', { reason: 'a rehearsal' });
  const job = await api.enqueue('system.noop');
  await page.goto('/admin/runbooks/stuck-jobs');
  const diagnosis = page.locator('ol.runbook > li').nth(1);
  await expect(diagnosis).toContainText('paused: a rehearsal');
  await page.getByLabel('Reason to: Resume queue system').fill('the rehearsal is over');
  await page.getByRole('button', { name: 'Resume queue system' }).click();
  await expect(operator.notice('Queue system runs.')).toBeVisible();
  await api.until(job, 'completed');
  await operator.sees(() => expect(diagnosis).not.toContainText('a rehearsal', soon));
});

test('dead letters that pile up are tried a few first, from their runbook', async ({ page, operator, api }) => {
  const jobs: number[] = [];
  for (let i = 0; i < 10; i++) {
    jobs.push(await api.enqueue('system.fail', { message: `the rehearsal of piling up ${i}`, class: 'rejected' }));
  }
  for (const job of jobs) await api.until(job, 'dead');
  await page.goto('/admin/runbooks/dlq-growth');
  await expect(page.getByText('It is happening.')).toBeVisible();
  await expect(page.locator('ol.runbook > li').nth(1)).toContainText('the rehearsal of piling up');
  const canary = page.locator('.remedies > li').filter({ hasText: 'the rehearsal of piling up' });
  await canary.getByRole('textbox').fill('they were told to fail');
  await canary.getByRole('button', { name: /^Try a few of/ }).click();
  await expect(operator.notice(/^Bulk operation \d+ tries a few of \d+ first\./)).toBeVisible();
});

test('a schedule that was paused: the runbook of the gap resumes it', async ({ page, operator, api }) => {
  const schedule = '/api/admin/schedules/health-check';
  await api.send('POST', schedule, { action: 'pause', reason: 'a rehearsal' });
  await page.goto('/admin/runbooks/backfill-gap');
  await expect(page.getByText('Schedule health-check')).toBeVisible();
  await page.getByLabel('Reason to: Resume health-check').fill('the rehearsal is over');
  await page.getByRole('button', { name: 'Resume health-check' }).click();
  await expect(operator.notice('Schedule health-check ticks.')).toBeVisible();
  await operator.sees(() => expect(page.getByText('Schedule health-check')).toHaveCount(0, soon));
});

test('slow pages: the views are refreshed from their runbook', async ({ page, operator }) => {
  await page.goto('/admin/runbooks/slow-pages');
  await expect(page.locator('ol.runbook > li').first()).toContainText("The overview's figures");
  await page.getByLabel('Reason to: Refresh the views now').fill('to see that it works');
  await page.getByRole('button', { name: 'Refresh the views now' }).click();
  await expect(operator.notice(/^The views are refreshed by job \d+\./)).toBeVisible();
});

test('database trouble: all jobs are stopped from its runbook, and let go from that of stuck jobs', async ({ page, operator, api }) => {
  await page.goto('/admin/runbooks/database');
  await expect(page.locator('ol.runbook > li').first()).toContainText('Connections');
  await page.getByLabel('Reason to: Stop all jobs').fill('it is out of connections');
  await page.getByRole('button', { name: 'Stop all jobs' }).click();
  await expect(operator.notice('The kill switch is on: no job starts.')).toBeVisible();
  expect((await api.killSwitch()).active).toBe(true);
  await page.goto('/admin/runbooks/stuck-jobs');
  await expect(page.locator('ol.runbook > li').nth(1)).toContainText('it is out of connections');
  await page.getByLabel('Reason to: Release the kill switch').fill('it has them again');
  await page.getByRole('button', { name: 'Release the kill switch' }).click();
  await expect(operator.notice('The kill switch is off: jobs start again.')).toBeVisible();
});
