// Signing in and out (OP-7).
import { admin } from '../support/environment';
import { expect, test } from '../support/test';

test('a wrong password is said so, and the e-mail stays', async ({ page, operator }) => {
  await page.goto('/login');
  await operator.signIn(admin.email, 'not the password');
  await expect(operator.refusal('The e-mail or the password is wrong.')).toBeVisible();
  await expect(page.getByLabel('Email')).toHaveValue(admin.email);
  await expect(page.getByLabel('Password')).toHaveValue('');
  await page.goto('/admin');
  await expect(operator.heading('Sign in to Signalbox')).toBeVisible();
});

test('whoever has no session signs in and is back where they were', async ({ page, operator }) => {
  await page.goto('/admin/jobs?state=completed&q=%22ms%22');
  await expect(operator.heading('Sign in to Signalbox')).toBeVisible();
  await operator.signIn();
  await expect(operator.heading('Jobs')).toBeVisible();
  await expect(page).toHaveURL('/admin/jobs?state=completed&q=%22ms%22');
});

test('after signing out the console is closed', async ({ page, operator, api }) => {
  await api.signIn();
  await page.goto('/admin');
  await page.getByRole('banner').getByText(admin.email).click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(operator.heading('Sign in to Signalbox')).toBeVisible();
  await page.goto('/admin/jobs');
  await expect(operator.heading('Sign in to Signalbox')).toBeVisible();
  await page.goBack();
  await expect(page.getByRole('banner')).toHaveCount(0);
});
