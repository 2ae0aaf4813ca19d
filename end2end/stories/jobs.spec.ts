// Finding jobs, and acting on many of them.
import { hydrated } from '../support/live';
import { expect, test } from '../support/test';

test.beforeEach(async ({ api }) => api.signIn());

const later = () => new Date(Date.now() + 3_600_000).toISOString();

test('jobs are found by what they carry and where, and each filter can be taken away', async ({ page, api, operator }) => {
  const mark = `found-${Date.now()}`;
  const job = (place: object) => api.send<{ id: number }>('POST', '/api/jobs', { kind: 'system.noop', runAt: later(), payload: place });
  await job({ post: { id: mark } });
  await job({ other: mark });
  await page.goto('/admin/jobs');
  await page.getByRole('searchbox', { name: 'Text in the payload' }).fill(mark);
  await page.getByLabel('Only in this field of the payload').fill('post.id');
  await page.getByLabel('Any time').selectOption('1h');
  await page.getByRole('button', { name: 'Filter', exact: true }).click();
  await expect(page).toHaveURL(/q=found-.*path=post.id|path=post.id.*q=found-/);
  await expect(operator.row(mark)).toHaveCount(1);
  await page.getByRole('link', { name: /^Field: post.id/ }).click();
  await expect(operator.row(mark)).toHaveCount(2);
  await page.goBack();
  await expect(operator.row(mark)).toHaveCount(1);
  await page.getByRole('link', { name: 'Clear all' }).click();
  await expect(page).toHaveURL(/\/admin\/jobs\??$/);
});

test('chosen jobs are held together, and all that match are cancelled after their number was typed', async ({ page, api, operator, complaints }) => {
  complaints.expect(/status of 422/);
  const mark = `many-${Date.now()}`;
  const made: number[] = [];
  for (let i = 0; i < 3; i++) {
    const job = { kind: 'system.noop', runAt: later(), payload: { mark } };
    made.push((await api.send<{ id: number }>('POST', '/api/jobs', job)).id);
  }
  await page.goto(`/admin/jobs?q=${mark}`);
  await page.getByRole('checkbox', { name: `Choose job ${made[0]}` }).check();
  await page.getByRole('checkbox', { name: `Choose job ${made[1]}` }).check();
  await page.getByRole('form', { name: 'Act on the chosen jobs' }).getByRole('button', { name: 'Hold…' }).click();
  await expect(operator.heading('Hold 2 jobs')).toBeVisible();
  await page.getByLabel('Reason').fill('the feed is wrong');
  await page.getByRole('button', { name: 'Hold 2 jobs' }).click();
  await expect(operator.notice('2 jobs held.')).toBeVisible();
  await page.goto(`/admin/jobs?q=${mark}`);
  await expect(operator.row(mark).filter({ hasText: 'Held' })).toHaveCount(2);

  await page.getByRole('group', { name: 'Act on all jobs that match' }).getByRole('link', { name: 'Cancel…' }).click();
  await expect(operator.heading('Cancel 3 jobs')).toBeVisible();
  await page.getByLabel('Reason').fill('they are not wanted');
  await page.getByLabel('Type 3 to confirm').fill('2');
  await page.getByRole('button', { name: 'Cancel 3 jobs' }).click();
  await expect(operator.refusal('confirm must be 3')).toBeVisible();
  await expect(page.getByLabel('Reason')).toHaveValue('they are not wanted');
  await page.getByLabel('Type 3 to confirm').fill('3');
  await page.getByRole('button', { name: 'Cancel 3 jobs' }).click();
  await expect(operator.notice('3 jobs cancelled.')).toBeVisible();
  for (const id of made) expect((await api.job(id)).state).toBe('cancelled');
  const log = await api.send<{ items: { message: string }[] }>('GET', '/api/admin/logs?eventType=job_bulk');
  expect(log.items[0]?.message).toContain('3 jobs cancelled by ');
});

test('the overview draws the hours, with what moved a lever in them', async ({ page, api, operator }) => {
  await api.until(await api.enqueue('system.noop'), 'completed');
  await api.send('POST', '/api/admin/kill-switch', { reason: 'for the chart' });
  await api.release();
  await page.goto('/admin');
  await hydrated(page);
  await page.getByRole('navigation', { name: 'How far to look back' }).getByRole('link', { name: '6 hours' }).click();
  await expect(page).toHaveURL('/admin?span=6h#trends');
  const chart = page.getByRole('region', { name: 'Chart: Runs ended per 5 min' });
  await expect(chart.locator('rect title').last()).toHaveText(/completed \d/);
  await expect(chart.locator('.mark').first()).toBeAttached();
  await expect(operator.row('for the chart')).toBeVisible();
  await page.getByText('The charts as a table').click();
  await expect(page.getByRole('region', { name: 'The charts as a table' }).getByRole('row')).toHaveCount(73);
  await page.goBack();
  await expect(page.getByRole('heading', { name: 'The last hour' })).toBeVisible();
});

test('a job shows no secret, and what it shows can be copied', async ({ page, api, operator, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const payload = { topic: 'tea', wordpress: { appPassword: 'hunter2' } };
  const job = await api.enqueue('system.noop', payload);
  const seen = await api.send<{ job: { payload: object } }>('GET', `/api/jobs/${job}`);
  expect(JSON.stringify(seen)).not.toContain('hunter2');
  await page.goto(`/admin/jobs/${job}`);
  await hydrated(page);
  expect(await page.content()).not.toContain('hunter2');
  await page.getByRole('button', { name: 'Copy the payload' }).click();
  await expect(operator.notice('Copied: payload.')).toBeVisible();
  const copied = JSON.parse(await page.evaluate(() => navigator.clipboard.readText())) as object;
  expect(copied).toEqual({ topic: 'tea', wordpress: { appPassword: '[redacted]' } });
  await page.getByRole('button', { name: 'Copy the job number' }).click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(`${job}`);
});

test('an error of dead letters is said to be resolved, ignored and open again', async ({ page, api, operator }) => {
  const word = String.fromCharCode(...[...`${Date.now()}`].map((digit) => 97 + Number(digit)));
  const bury = async () => api.until(await api.enqueue('system.fail', { message: `no ${word} today`, class: 'rejected' }), 'dead');
  await bury();
  await page.goto('/admin/dead-letter-queue');
  const groups = page.getByRole('region', { name: 'Table of groups' });
  const group = groups.getByRole('row').filter({ hasText: word });
  await expect(group).toContainText('New');
  await group.getByRole('link', { name: new RegExp(word) }).first().click();
  await hydrated(page);
  const decide = async (button: string, why: string) => {
    await page.getByLabel('Why').fill(why);
    await page.getByRole('region', { name: 'This error' }).getByRole('button', { name: button }).click();
  };
  await decide('It is resolved', 'the feed is mended');
  await expect(operator.notice('The error counts as resolved.')).toBeVisible();
  await expect(group).toContainText('Resolved');
  await bury();
  await expect(group).toContainText('Came back');
  await decide('Ignore it', 'known, and harmless');
  await expect(group).toContainText('Ignored');
  await expect(page.getByText('2 letters are of errors to be ignored.')).toBeVisible();
  await decide('Open it again', 'not harmless');
  await expect(group).toContainText('New');
});

test('filters are kept under a name, found again from another page, and removed', async ({ page, operator }) => {
  const name = `Dead, ${Date.now()}`;
  await page.goto('/admin/jobs?state=dead&kind=system.fail&cursor=1');
  await page.getByText('Save this view').click();
  await page.getByLabel('Name of the view').fill(name);
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(operator.notice(`Saved as “${name}”.`)).toBeVisible();
  await page.goto('/admin/jobs');
  await page.getByRole('list', { name: 'Saved views' }).getByRole('link', { name }).click();
  await expect(page).toHaveURL(/\/admin\/jobs\?(state=dead&kind=system.fail|kind=system.fail&state=dead)$/);
  await expect(page.getByRole('link', { name })).toHaveAttribute('aria-current', 'true');
  await page.getByRole('button', { name: 'Remove this view' }).click();
  await expect(operator.notice(`Removed the view “${name}”.`)).toBeVisible();
  await expect(page.getByRole('link', { name })).toHaveCount(0);
});
