// Alerts (OP-13): somebody is told, and the rules are the operator's.
import { createHmac } from 'node:crypto';
import { admin, telephoneURL } from '../support/environment';
import { expect, soon, test } from '../support/test';

test.beforeEach(async ({ api }) => api.signIn());

/** What was posted: the texts, of those only that are signed. */
async function heard(): Promise<string[]> {
  const posts = (await (await fetch(telephoneURL)).json()) as { signature: string; body: string }[];
  const isSigned = ({ signature, body }: { signature: string; body: string }) => {
    const [, at, hex] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(signature) ?? [];
    return hex === createHmac('sha256', 'end2end').update(`${at}.${body}`).digest('hex');
  };
  return posts.filter(isSigned).map(({ body }) => (JSON.parse(body) as { text: string }).text);
}

test('op_13 a test alert is posted, signed, and the page says what became of it', async ({ page, operator }) => {
  await page.goto('/admin/alerts');
  await expect(page.getByText('People are told by 127.0.0.1.')).toBeVisible();
  await page.getByRole('button', { name: 'Send a test' }).click();
  await expect(operator.notice('The test is on its way')).toBeVisible();
  const row = operator.row(`this is a test by ${admin.email}`).first();
  await operator.sees(() => expect(row).toContainText('sent', soon));
  await expect.poll(async () => (await heard()).filter((text) => text.includes(`this is a test by ${admin.email}`)).length).toBeGreaterThan(0);
});

test('op_13 a rule is moved, silenced and put back', async ({ page, operator, api }) => {
  await page.goto('/admin/alerts');
  await page.getByRole('link', { name: 'A queue is long' }).click();
  await expect(operator.heading('A queue is long')).toBeVisible();
  await page.getByLabel('Threshold, jobs').fill('20000');
  await page.getByRole('button', { name: 'Save' }).click();
  // The browser itself refuses what is out of bounds.
  await expect(page.getByLabel('Threshold, jobs')).toHaveJSProperty('validity.valid', false);
  await page.getByLabel('Threshold, jobs').fill('500');
  await page.getByLabel('Minutes that it must last').fill('10');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(operator.notice('A queue is long: fires above 500 jobs, for 10 min.')).toBeVisible();

  await page.getByLabel('Reason').fill('the big import of today');
  await page.getByRole('button', { name: 'Silence it' }).click();
  await expect(operator.notice('Nobody outside is told of it meanwhile.')).toBeVisible();
  await operator.sees(() => expect(page.getByText('“the big import of today”')).toBeVisible(soon));
  await page.getByRole('button', { name: 'End the silence' }).click();
  await expect(operator.notice('People are told of it again.')).toBeVisible();

  await page.getByRole('button', { name: 'Back to the default' }).click();
  await expect(operator.notice('A queue is long: fires above 100 jobs, for 5 min again.')).toBeVisible();
  const logs = await api.send<{ items: { message: string }[] }>('GET', '/api/admin/logs?eventType=alert_operated');
  expect(logs.items.slice(0, 4).map(({ message }) => message)).toEqual([
    expect.stringContaining('was reset'),
    expect.stringContaining('The silence'),
    expect.stringContaining('the big import of today'),
    expect.stringContaining('was changed'),
  ]);
});

test('op_13 whoever is on call is told where to go', async ({ page, operator, api }) => {
  const before = (await heard()).length;
  await api.send('POST', '/api/admin/breakers/mcp', { action: 'force_open', reason: 'a rehearsal' });
  await api.untilAlert('breaker-open');
  const told = async () => (await heard()).slice(before).join('\n');
  await expect.poll(told, { timeout: 20_000 }).toMatch(/\[critical\] A breaker is not closed: mcp, .*\nhttps:\/\/ops\.example\.com\/admin\/runbooks\/breaker-open/);
  await page.goto('/admin/alerts');
  const firing = operator.row('Open the runbook').filter({ hasText: 'mcp' });
  await expect(firing).toBeVisible();
  await api.send('POST', '/api/admin/breakers/mcp', { action: 'reset', reason: 'the rehearsal is over' });
  await operator.sees(() => expect(firing).toHaveCount(0, soon));
  const past = page.getByRole('region', { name: 'Table of past alerts' }).getByRole('row').filter({ hasText: 'mcp' });
  await expect(past.first()).not.toContainText('fires still');
});

test('op_13 another threshold is tried over the last day before the rule is moved', async ({ page, operator }) => {
  await page.goto('/admin/alerts/no-discovery');
  await page.getByRole('link', { name: 'Back-test' }).click();
  await expect(operator.heading('Back-test: Discovery brings nothing')).toBeVisible();
  await page.getByLabel('Threshold, min (now 30)').fill('45');
  await page.getByRole('button', { name: 'Back-test' }).click();
  await expect(page).toHaveURL(/threshold=45&forMinutes=0/);
  await expect(page.getByText(/^It would (not have fired|have fired .+) in the last 24 h/)).toBeVisible();
  await expect(page.getByText('Tried: from 45 min.')).toBeVisible();
  await expect(page.getByRole('img', { name: 'Time since the last success, min' })).toBeVisible();

  // Out of bounds by hand: said, and the form is still there.
  await page.goto('/admin/alerts/no-discovery/back-test?threshold=0');
  await expect(page.getByText('These values are not allowed.')).toBeVisible();
  await expect(page.getByLabel('Threshold, min (now 30)')).toHaveValue('0');
  await page.goto('/admin/alerts/provider-limit/back-test');
  await expect(page.getByText('This rule cannot be back-tested.')).toBeVisible();
});
