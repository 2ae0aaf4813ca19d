// A hydrated page follows what happens, and leaves alone what its reader is about to do.
import { Api } from '../support/api';
import { admin } from '../support/environment';
import { hydrated, nextUpdate } from '../support/live';
import { expect, test } from '../support/test';

test.beforeEach(async ({ api, page }) => {
  await api.signIn();
  await page.clock.install();
});

test('a list of jobs stays where it is, and says how many have come since', async ({ page, operator, api }) => {
  await api.until(await api.enqueue('system.noop'), 'completed');
  await page.goto('/admin/jobs?kind=system.noop');
  await nextUpdate(page);
  const rows = page.getByRole('region', { name: 'Table of jobs' }).getByRole('row');
  const before = await rows.allInnerTexts();
  const mark = `seen-${Date.now()}`;
  await api.until(await api.enqueue('system.noop', { mark }), 'completed');
  const newer = page.getByRole('button', { name: '1 new job' });
  await expect(newer).toBeVisible();
  expect((await rows.allInnerTexts()).length).toBe(before.length);
  await expect(operator.row(mark)).toHaveCount(0);
  await newer.click();
  await expect(operator.row(mark)).toContainText('Completed');
  await expect(newer).toHaveCount(0);
});

test('a filter is in the address and comes back with it', async ({ page, operator }) => {
  await page.goto('/admin/jobs');
  await nextUpdate(page);
  await page.getByRole('link', { name: 'Completed', exact: true }).click();
  await expect(page).toHaveURL('/admin/jobs?state=completed#list');
  await page.getByRole('searchbox', { name: 'Text in the payload' }).fill('nothing-like-this');
  await page.getByRole('button', { name: 'Filter' }).click();
  await expect(page.getByRole('heading', { name: 'No job matches' })).toBeVisible();
  await page.goBack();
  await expect(page).toHaveURL('/admin/jobs?state=completed#list');
  await expect(page.getByRole('region', { name: 'Table of jobs' })).toBeVisible();
  await expect(operator.heading('Jobs')).toBeVisible();
});

test('what is typed stays while the page updates', async ({ page }) => {
  await page.goto('/admin/kill-switch');
  await nextUpdate(page);
  await page.getByLabel('Reason').fill('half a rea');
  await nextUpdate(page);
  await nextUpdate(page);
  await expect(page.getByLabel('Reason')).toHaveValue('half a rea');
  await expect(page.getByLabel('Reason')).toBeFocused();
});

test('what is typed into a row stays while the page updates', async ({ page, operator }) => {
  await page.goto('/admin/config');
  await nextUpdate(page);
  const value = operator.row('max_concurrent_discovery_jobs').getByRole('spinbutton');
  await value.fill('77');
  await nextUpdate(page);
  await nextUpdate(page);
  await expect(value).toHaveValue('77');
  await expect(value).toBeFocused();
});

test('an open confirmation stays open while the page updates', async ({ page, operator, api }) => {
  const message = `broken for good ${Date.now()}`;
  await api.until(await api.enqueue('system.fail', { message }), 'dead');
  await page.goto('/admin/dead-letter-queue');
  await nextUpdate(page);
  await operator.row(message).getByRole('button', { name: 'Delete' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog).toBeVisible();
  await nextUpdate(page);
  await nextUpdate(page);
  await expect(dialog).toBeVisible();
});

test('while the server cannot be reached the page says so, and goes on by itself', async ({ page, complaints }) => {
  complaints.expect(/ERR_CONNECTION_REFUSED/);
  await page.goto('/admin/jobs');
  await nextUpdate(page);
  await page.route('**/api/fn/**', (route) => route.abort('connectionrefused'));
  await page.clock.runFor(5_000);
  await expect(page.getByText('The server cannot be reached.')).toBeVisible();
  await expect(page.getByRole('region', { name: 'Table of jobs' })).toBeVisible();
  await page.unroute('**/api/fn/**');
  await nextUpdate(page);
  await expect(page.getByText('The server cannot be reached.')).toHaveCount(0);
});

test('whoever was signed out elsewhere is shown the way back', async ({ page, context, complaints }) => {
  complaints.expect(/status of 401/);
  await page.goto('/admin/jobs');
  await nextUpdate(page);
  await context.clearCookies();
  await nextUpdate(page);
  await page.getByRole('main').getByRole('link', { name: 'Sign in' }).click();
  await expect(page).toHaveURL('/login?next=%2Fadmin%2Fjobs');
});

test('what was typed survives the end of the session, in its own form and in no other', async ({ page, context, complaints }) => {
  complaints.expect(/status of 401/);
  // Two forms of one command, which differ in their hidden fields.
  await page.goto('/admin/workers');
  await hydrated(page);
  const scheduler = page.getByLabel('Reason to stop the scheduler');
  await scheduler.fill('a long night');
  await context.clearCookies();
  await page.getByRole('button', { name: 'Stop the scheduler' }).click();
  await page.getByRole('main').getByRole('link', { name: 'Sign in' }).click();
  await page.getByLabel('Email').fill(admin.email);
  await page.getByLabel('Password').fill(admin.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page).toHaveURL('/admin/workers');
  await expect(scheduler).toHaveValue('a long night');
  await expect(page.getByLabel('Reason to stop all workers')).toHaveValue('');
  const parts = page.locator('form input[name=part]');
  expect(await parts.evaluateAll((fields) => fields.map((field) => (field as HTMLInputElement).value).sort())).toEqual(['scheduler', 'workers']);
  await page.reload();
  await hydrated(page);
  await expect(scheduler).toHaveValue('');
});

test('a change is shown at once, without waiting for the next round', async ({ page, operator, api }) => {
  // The page's own clock stands still: only the server's word can bring it up to date.
  const job = await api.enqueue('system.sleep', { ms: 1500 });
  await page.goto(`/admin/jobs/${job}`);
  await hydrated(page);
  await expect(page.getByRole('heading', { level: 1 })).not.toContainText('Completed');
  await expect(page.getByText('Completed.')).toBeVisible();
  await expect(operator.heading(/system.sleep/)).toBeVisible();
});

test('nothing moves while rows are being chosen', async ({ page, api }) => {
  await api.until(await api.enqueue('system.noop'), 'completed');
  await page.goto('/admin/jobs?kind=system.noop');
  await hydrated(page);
  await page.keyboard.press('j');
  await page.keyboard.press('x');
  const chosen = page.getByRole('checkbox', { checked: true });
  await expect(chosen).toHaveCount(1);
  await expect(page.getByText(/^Held while rows are chosen/).first()).toBeVisible();
  let asked = 0;
  page.on('request', (request) => (asked += Number(request.url().includes('/api/fn/'))));
  await api.until(await api.enqueue('system.noop'), 'completed');
  await page.clock.runFor(20_000);
  expect(asked).toBe(0);
  await page.keyboard.press('x');
  await expect(chosen).toHaveCount(0);
  await expect(page.getByRole('button', { name: '1 new job' })).toBeVisible();
});

test('with updates off nothing moves until it is asked for', async ({ page, api }) => {
  await page.goto('/admin/queues');
  await hydrated(page);
  await page.getByText(admin.email).click();
  await page.getByRole('form', { name: 'Updates' }).getByRole('button', { name: 'Off' }).click();
  await hydrated(page);
  let asked = 0;
  page.on('request', (request) => (asked += Number(/api\/fn\/|changes/.test(request.url()))));
  await api.until(await api.enqueue('system.noop'), 'completed');
  await page.clock.runFor(60_000);
  expect(asked).toBe(0);
});

test('times are shown in UTC, or as on the clock of whoever looks', async ({ browser, api }) => {
  const job = await api.enqueue('system.noop');
  await api.until(job, 'completed');
  const context = await browser.newContext({ timezoneId: 'Asia/Kathmandu' });
  await new Api(context.request).signIn();
  const page = await context.newPage();
  await page.goto(`/admin/jobs/${job}`);
  await hydrated(page);
  const enqueued = page.getByRole('heading', { name: /^Enqueued/ }).locator('time');
  await expect(enqueued).toHaveText(/^\d\d:\d\d:\d\d UTC$/);
  await page.getByText(admin.email).click();
  await page.getByRole('button', { name: 'Local time' }).click();
  await hydrated(page);
  await expect(enqueued).toHaveText(/^\d\d:\d\d:\d\d UTC\+5:45$/);
  const at = new Date((await enqueued.getAttribute('datetime')) ?? '');
  const there = at.toLocaleTimeString('de-DE', { timeZone: 'Asia/Kathmandu' });
  await expect(enqueued).toHaveText(`${there} UTC+5:45`);
  await expect(enqueued).toHaveAttribute('title', /T.* UTC\+5:45$/);
  await context.close();
});
