// A key is withdrawn, the test says so, and another one puts it right (AV-7, JS-4, CP-5).
import { expect, soon, test } from '../support/test';

const KEY = 'end2end-rotated-key-7f3a';

test.beforeEach(async ({ api }) => {
  await api.signIn();
  await api.untilQuiet();
});

test.afterEach(async ({ api }) => {
  await api.dial({ mode: 'none' });
  const { provider } = await api.send<{ provider: { key: { source: string }; breaker: { disabled: object | null } } }>(
    'GET',
    '/api/admin/providers/mcp',
  );
  const act = (action: string) => api.send('POST', '/api/admin/providers/mcp', { action, reason: 'the story is over' });
  if (provider.key.source === 'vault') await act('remove_key');
  if (provider.breaker.disabled) await act('enable');
});

test('the key is rotated in the browser, and the jobs that it held go on with the new one', async ({ page, operator, api }) => {
  // The provider takes the key of the environment no more.
  await api.dial({ mode: 'bad_key', key: 'end2end' });
  const held = await api.discover(1);

  await page.goto('/admin/providers');
  await expect(operator.row('MCP')).toContainText('from the environment');
  await operator.row('MCP').getByRole('link', { name: 'MCP' }).click();
  await expect(operator.heading('Provider MCP')).toBeVisible();
  await page.getByRole('button', { name: 'Test the credentials' }).click();
  await expect(operator.refusal('Failed at “Sign in with the key”')).toBeVisible();
  const steps = page.getByRole('region', { name: 'Test of the credentials' }).getByRole('listitem');
  await operator.sees(() => expect(steps.filter({ hasText: 'Sign in with the key' })).toContainText('failed', soon));
  await expect(steps.filter({ hasText: 'Connect' })).toContainText('passed');
  await expect(steps.filter({ hasText: 'Make one cheap call' })).toContainText('not tried');
  await expect(page.getByText('What to do:')).toBeVisible();

  const field = page.getByLabel('New key');
  await expect(field).toHaveAttribute('type', 'password');
  await field.fill(KEY);
  await page.getByLabel('Last day on which it works').fill('2099-12-31');
  await page.getByRole('button', { name: 'Set the key' }).click();
  await expect(operator.notice('The key of mcp is set')).toBeVisible();
  const key = page.getByRole('region', { name: 'Key', exact: true });
  await expect(key).toContainText('…7f3a');
  await expect(key).toContainText('ada@example.com');
  await expect(field).toHaveValue('');
  expect(await page.content()).not.toContain(KEY);
  expect(await page.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }))).not.toContain('rotated');

  await page.getByRole('button', { name: 'Test the credentials' }).click();
  await expect(operator.notice('Every step passed')).toBeVisible();
  await api.until(held, 'completed');
});

test('a provider that is switched off parks its jobs, which say so', async ({ page, operator, api }) => {
  await page.goto('/admin/providers/mcp');
  const off = page.getByRole('region', { name: 'Switch it off' });
  await off.getByLabel('Reason').fill('Their invoice is wrong');
  await off.getByRole('button', { name: 'Switch it off' }).click();
  await expect(operator.notice('Provider mcp is off')).toBeVisible();
  await operator.sees(() => expect(page.getByText('Switched off by ada@example.com')).toBeVisible(soon));

  const parked = await api.discover(1);
  await page.goto(`/admin/jobs/${parked}`);
  await expect(page.getByText('Provider mcp is switched off by ada@example.com: Their invoice is wrong')).toBeVisible();
  expect((await api.job(parked)).attempt).toBe(0);
  await page.goto('/admin/breakers/mcp');
  await expect(page.getByRole('region', { name: 'MCP' })).toContainText('switched off');

  await page.goto('/admin/providers/mcp');
  const on = page.getByRole('region', { name: 'Switch it on' });
  await on.getByLabel('Reason').fill('It is paid');
  await on.getByRole('button', { name: 'Switch it on' }).click();
  await expect(operator.notice('Provider mcp is on')).toBeVisible();
  await api.until(parked, 'completed');
});
