//! What all pages of one browser window share.

use std::time::Duration;

use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use signalbox_model::Timestamp;
use signalbox_model::actor::{Actor, Permission};

use crate::display::{Pace, Theme, Zone};
use crate::error::AppError;
use crate::notice::Notice;

/// What the pages must know before they fetch anything. Comes with the first page.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Start {
    /// What the last command left to be shown, where JavaScript was off.
    pub notice: Option<Notice>,
    /// The theme.
    pub theme: Theme,
    /// The zone of the times.
    pub zone: Zone,
    /// How often pages are brought up to date.
    pub pace: Pace,
    /// The name of this installation.
    pub environment: String,
    /// Who is signed in.
    pub actor: Option<Actor>,
    /// When the session ends, however much it is used.
    pub session_ends_at: Option<Timestamp>,
    /// The number of the request that brought the first page.
    pub request_id: String,
}

/// The state of the window.
#[derive(Clone, Copy)]
pub(crate) struct Console {
    /// What came with the first page.
    pub start: StoredValue<Start>,
    /// The page's title.
    pub title: RwSignal<String>,
    /// When the page's data was read: the moment that relative times count from.
    pub as_of: RwSignal<Option<Timestamp>>,
    /// Counts up whenever live data is to be asked for again.
    pub tick: RwSignal<u32>,
    /// The server could not be reached; what is shown is from before.
    pub stale: RwSignal<bool>,
    /// How many questions are under way, and whether another round is owed when they are answered.
    asking: StoredValue<(u32, bool)>,
    /// Somebody is choosing rows: nothing is brought up to date under their hands.
    pub held: RwSignal<bool>,
    /// How many commands were given in this window.
    pub commands: StoredValue<u32>,
    /// The zone that times are shown in: UTC until the page is hydrated, as the server wrote it.
    pub zone: RwSignal<Zone>,
    /// The outcome to show.
    pub notice: RwSignal<Option<Notice>>,
    /// Whether that outcome is from this window, rather than from before the page was loaded.
    pub notice_is_new: RwSignal<bool>,
}

impl Console {
    /// Makes the window's state and gives it to all pages.
    pub(crate) fn provide() -> Console {
        let start = SharedValue::new(crate::edge::start).into_inner();
        let console = Console {
            title: RwSignal::new(crate::edge::title()),
            as_of: RwSignal::new(None),
            tick: RwSignal::new(0),
            stale: RwSignal::new(false),
            asking: StoredValue::new((0, false)),
            held: RwSignal::new(false),
            commands: StoredValue::new(0),
            zone: RwSignal::new(Zone::Utc),
            notice: RwSignal::new(start.notice.clone()),
            notice_is_new: RwSignal::new(false),
            start: StoredValue::new(start),
        };
        provide_context(console);
        console
    }

    /// The window's state.
    pub(crate) fn get() -> Console {
        expect_context()
    }

    /// Whether the signed-in person may do what takes `permission`.
    pub(crate) fn may(&self, permission: Permission) -> bool {
        self.start.with_value(|start| start.actor.as_ref().is_some_and(|a| a.may(permission)))
    }

    /// Why the signed-in person may not do what takes `permission`, if so.
    pub(crate) fn refuses(&self, permission: Permission) -> Option<String> {
        let role = self.start.with_value(|start| {
            let actor = start.actor.as_ref().filter(|actor| !actor.may(permission))?;
            Some(actor.role)
        })?;
        Some(format!("As {} you may not {}.", role.with_article(), permission.describe()))
    }

    /// Names the page, and says when its data was read.
    pub(crate) fn shows(&self, (title, as_of): (String, Timestamp)) {
        self.name(title);
        self.as_of.set(Some(as_of));
    }

    /// Names the page.
    pub(crate) fn name(&self, title: impl Into<String>) {
        // The framework writes the title into the document as it is.
        let title = title.into().replace(['<', '>', '&'], " ");
        self.title.set(format!("{title} · Signalbox"));
    }

    /// Shows something that changed nothing.
    pub(crate) fn tell(&self, notice: Notice) {
        self.notice.set(Some(notice));
        self.notice_is_new.set(true);
    }

    /// Asks the pages to read again; after what is being read now, so that a server that answers
    /// more slowly than things change is listened to all the same.
    pub(crate) fn ask_again(&self) {
        let waits = self.asking.try_update_value(|(under_way, owed)| {
            *owed = *under_way > 0;
            *owed
        });
        if waits != Some(true) {
            self.tick.update(|n| *n = n.wrapping_add(1));
        }
    }

    /// A question is under way, until what is returned is dropped.
    pub(crate) fn asks(self) -> UnderWay {
        self.asking.try_update_value(|(under_way, _)| *under_way += 1);
        UnderWay(self)
    }

    /// Shows the outcome of a command, and what it changed.
    pub(crate) fn announce(&self, outcome: Result<Notice, AppError>) {
        self.tell(outcome.unwrap_or_else(|error| Notice::from_error(&error)));
        self.commands.update_value(|n| *n = n.wrapping_add(1));
        self.tick.update(|n| *n = n.wrapping_add(1));
    }
}

/// A question that is being answered.
pub(crate) struct UnderWay(Console);

impl Drop for UnderWay {
    fn drop(&mut self) {
        let console = self.0;
        let owed = console.asking.try_update_value(|(under_way, owed)| {
            *under_way = under_way.saturating_sub(1);
            *under_way == 0 && std::mem::take(owed)
        });
        if owed == Some(true) {
            // In a task of its own: this one still has to show its answer.
            set_timeout(move || console.ask_again(), Duration::ZERO);
        }
    }
}
