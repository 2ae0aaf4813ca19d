// Who may come in (JS-10, AV-11, OP-7): invited, seen, limited and put out.
import { expect, test } from '../support/test';

test.beforeEach(async ({ api }) => api.signIn());

test('js_10 an admin invites a viewer, who looks but cannot touch, and is then put out', async ({ page, operator, browser, complaints }) => {
  complaints.expect(/status of 401/);
  const email = `vera-${Date.now()}@example.com`;
  await page.goto('/admin');
  await operator.goTo('Users');
  await page.getByLabel('Email').fill(email);
  await page.getByLabel('Role').selectOption('Viewer');
  await page.getByRole('button', { name: 'Invite' }).click();
  const once = page.getByLabel('Shown this once: copy it now');
  await expect(once).toHaveValue(/^[a-zA-Z0-9]{20}$/);
  const password = await once.inputValue();
  await expect(operator.row(email)).toContainText('Has a one-time password');

  const other = await browser.newContext({ baseURL: new URL(page.url()).origin });
  const hers = await other.newPage();
  await hers.goto('/admin/kill-switch');
  await hers.getByLabel('Email').fill(email);
  await hers.getByLabel('Password').fill(password);
  await hers.getByRole('button', { name: 'Sign in' }).click();
  await hers.getByLabel('Current password').fill(password);
  await hers.getByLabel('New password').fill('a password of her own');
  await hers.getByRole('button', { name: 'Change password' }).click();
  await hers.goto('/admin/kill-switch');
  await expect(hers.getByText('As a viewer you may not operate the kill switch.')).toBeVisible();
  await expect(hers.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Users' })).toHaveCount(0);
  await hers.goto('/account');
  await expect(hers.getByRole('row').filter({ hasText: 'This one' })).toHaveCount(1);

  await page.getByRole('link', { name: email }).click();
  await expect(operator.heading(email)).toBeVisible();
  await page.getByText('Disable…').click();
  await page.getByRole('group').filter({ hasText: 'signed out everywhere, and their tokens' }).getByLabel('Reason').fill('a rehearsal');
  await page.getByRole('button', { name: 'Disable' }).click();
  await expect(operator.notice(`${email} is disabled, and signed out everywhere.`)).toBeVisible();
  await hers.goto('/admin');
  await expect(hers.getByRole('heading', { name: 'Sign in to Signalbox' })).toBeVisible();
  await other.close();
});

test('a script signs in with a token that an admin makes, shows once and ends', async ({ page, operator, playwright }) => {
  const name = `script ${Date.now()}`;
  await page.goto('/admin/tokens');
  await page.getByLabel('What it is for').fill(name);
  await page.getByRole('button', { name: 'Make the token' }).click();
  const token = await page.getByLabel('Shown this once: copy it now').inputValue();
  expect(token).toMatch(/^sbx_[0-9a-f]{64}$/);
  const script = await playwright.request.newContext({ baseURL: new URL(page.url()).origin, extraHTTPHeaders: { authorization: `Bearer ${token}` } });
  expect((await script.get('/api/admin/jobs')).status()).toBe(200);
  expect((await script.post('/api/admin/kill-switch', { data: { reason: 'no' } })).status()).toBe(403);

  const row = operator.row(name);
  await row.getByText('End…').click();
  await row.getByLabel('Reason').fill('rotated');
  await row.getByRole('button', { name: `End “${name}”` }).click();
  await expect(operator.notice(`The token “${name}” is ended.`)).toBeVisible();
  await expect(row).toContainText('Ended');
  expect((await script.get('/api/admin/jobs')).status()).toBe(401);
  await script.dispose();
});
