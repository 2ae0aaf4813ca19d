// The first sign-in after a first run. A one-time password works once: the second story goes on where the first ends.
import { fresh } from '../support/environment';
import { expect, test } from '../support/test';

test.use({ baseURL: fresh.url });
test.describe.configure({ mode: 'serial' });

const own = 'my own long password';

test('a one-time password leads to choosing one, whatever else is asked for', async ({ page, operator }) => {
  await page.goto('/admin/exports');
  await operator.signIn(fresh.email, fresh.password);
  await expect(operator.heading('Change your password')).toBeVisible();
  await page.goto('/admin/jobs');
  await expect(operator.heading('Change your password')).toBeVisible();

  await page.getByLabel('Current password').fill(fresh.password);
  await page.getByLabel('New password').fill('too short');
  await page.getByRole('button', { name: 'Change password' }).click();
  await expect(page.getByLabel('New password')).toHaveAttribute('aria-invalid', 'true');

  await page.getByLabel('Current password').fill(fresh.password);
  await page.getByLabel('New password').fill(own);
  await page.getByRole('button', { name: 'Change password' }).click();
  await expect(operator.heading('Overview')).toBeVisible();
  await expect(operator.notice('Your password is changed, and your other sessions are ended.')).toBeVisible();
});

test('afterwards the own password opens the console and the one-time password does not', async ({ page, operator }) => {
  await page.goto('/login');
  await operator.signIn(fresh.email, fresh.password);
  await expect(operator.heading('Sign in to Signalbox')).toBeVisible();
  await operator.signIn(fresh.email, own);
  await expect(operator.heading('Overview')).toBeVisible();
});
