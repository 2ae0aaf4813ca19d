//! A provider in a word, a row of the list, and the steps of a test.

use leptos::prelude::*;
use signalbox_model::Timestamp;
use signalbox_model::provider::{Provider, ProviderTest, StepOutcome, TestStep};

use super::key::of_key;
use crate::components::aspect::{Aspect, State, of_provider};
use crate::components::time::Time;

/// How a step went, as aspect and word.
const fn of_step(outcome: StepOutcome) -> (Aspect, &'static str) {
    match outcome {
        StepOutcome::Passed => (Aspect::Clear, "passed"),
        StepOutcome::Failed => (Aspect::Danger, "failed"),
        StepOutcome::NotTried => (Aspect::Idle, "not tried"),
    }
}

/// The row.
#[component]
pub(super) fn ProviderRow(provider: Provider, now: Timestamp) -> impl IntoView {
    let (aspect, word) = of_provider(&provider.breaker);
    let (key_aspect, key_word) = of_key(&provider.key, now);
    let shown = provider.key.secret.as_ref().map(|secret| secret.shown());
    let host =
        provider.host.clone().unwrap_or_else(|| format!("set {}", provider.address_variable));
    let rate = provider.rate_words();
    let tested = match provider.test {
        None => view! { <span class="muted">"never"</span> }.into_any(),
        Some(test) => {
            let (aspect, word) = match test.failed() {
                None => of_step(StepOutcome::Passed),
                Some(_) => of_step(StepOutcome::Failed),
            };
            view! {
                <State of=aspect word />
                <span class="sub">
                    <Time at=test.at />
                </span>
            }
            .into_any()
        }
    };
    view! {
        <tr>
            <th scope="row">
                <a href=format!("/admin/providers/{}", provider.name)>
                    {provider.name.to_ascii_uppercase()}
                </a>
                <span class="sub">{provider.label}</span>
            </th>
            <td>
                <State of=aspect word />
                <span class="sub">
                    <a href=format!("/admin/breakers/{}", provider.name)>"Breaker"</a>
                </span>
            </td>
            <td>
                <State of=key_aspect word=key_word />
                {shown.map(|shown| view! { <span class="sub id">{shown}</span> })}
            </td>
            <td class="nowrap">{rate}</td>
            <td>{tested}</td>
            <td class="id">{host}</td>
        </tr>
    }
    .into_any()
}

/// The steps of a test, and what to do about the one that failed.
#[component]
pub(super) fn Test(test: ProviderTest) -> impl IntoView {
    let remedy = test.remedy();
    let (at, by) = (test.at, test.by.clone());
    let steps: Vec<_> = test.steps.into_iter().map(|step| view! { <OneStep step /> }).collect();
    view! {
        <p class="muted">"Tested " <Time at /> {format!(" by {by}.")}</p>
        <ol class="timeline">{steps}</ol>
        {remedy
            .map(|remedy| {
                view! {
                    <p>
                        <strong>"What to do: "</strong>
                        {remedy}
                    </p>
                }
            })}
    }
    .into_any()
}

#[component]
fn OneStep(step: TestStep) -> impl IntoView {
    let (aspect, word) = of_step(step.outcome);
    let took = (step.outcome != StepOutcome::NotTried).then(|| format!("{} ms", step.took_ms));
    let class = step.error_class.map(|class| class.name());
    view! {
        <li class=format!("state {}", aspect.class())>
            <div>
                <h3>
                    {step.step.label()} <span class="outcome">{word}</span>
                    <span class="muted">{took}</span>
                </h3>
                <p>{step.detail} {class.map(|class| view! { " " <span class="id">{class}</span> })}</p>
            </div>
        </li>
    }
    .into_any()
}
