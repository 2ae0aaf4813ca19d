//! Who acts, and what they may do. The one table of permissions, read by the engine (which
//! enforces it) and by the pages (which show disabled controls with the reason).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A user's role (JS-10, OP-7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything, the console's settings and users included.
    Admin,
    /// Works everything that a person on call works; changes no settings, users, secrets or the database.
    Operator,
    /// Reads the console and changes nothing.
    Viewer,
    /// Reads the results and decides disputes (pipeline `jobsheets`).
    QaLead,
    /// Sees own work only; never the console.
    Technician,
}

impl Role {
    /// Every role, for forms and tests.
    pub const ALL: [Role; 5] =
        [Role::Admin, Role::Operator, Role::Viewer, Role::QaLead, Role::Technician];

    /// The stable name used in the database and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Role::Admin => "admin",
            Role::Operator => "operator",
            Role::Viewer => "viewer",
            Role::QaLead => "qa_lead",
            Role::Technician => "technician",
        }
    }

    /// The role with this stable name.
    pub fn from_name(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.name() == name)
    }

    /// What people call it.
    pub const fn label(self) -> &'static str {
        match self {
            Role::Admin => "Admin",
            Role::Operator => "Operator",
            Role::Viewer => "Viewer",
            Role::QaLead => "QA lead",
            Role::Technician => "Technician",
        }
    }

    /// The same in a sentence, such as "an operator".
    pub const fn with_article(self) -> &'static str {
        match self {
            Role::Admin => "an admin",
            Role::Operator => "an operator",
            Role::Viewer => "a viewer",
            Role::QaLead => "a QA lead",
            Role::Technician => "a technician",
        }
    }

    /// Whether this role grants `permission`. This is the one table of permissions: OP-7's "admin
    /// role" is any role to which it grants [`Permission::ReadConsole`].
    pub const fn may(self, permission: Permission) -> bool {
        use Permission::*;
        match self {
            Role::Admin => true,
            Role::Operator => !matches!(
                permission,
                ChangeSettings | ManageUsers | ManageProviders | OperateDatabase
            ),
            Role::Viewer => matches!(permission, ReadConsole | ReadResults),
            Role::QaLead => matches!(permission, ReadResults),
            Role::Technician => false,
        }
    }
}

/// One thing a person may be allowed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// See the console: jobs, queues, breakers, logs.
    ReadConsole,
    /// See and export what the pipelines found.
    ReadResults,
    /// Enqueue, hold, cancel and retry jobs, and start pipelines.
    RunJobs,
    /// Retry and delete dead letters.
    WorkDeadLetters,
    /// Turn the kill switch on and off.
    OperateKillSwitch,
    /// Pause, drain and bound queues, and run single jobs past the others.
    OperateQueues,
    /// Force or reset a circuit breaker.
    OperateBreakers,
    /// Change limits and other settings.
    ChangeSettings,
    /// Pause schedules, run them now, and change their times.
    OperateSchedules,
    /// Stop and start workers and the scheduler.
    OperateWorkers,
    /// Take incidents on, write notes about them, and end them.
    KeepIncidents,
    /// Acknowledge and silence alerts, and change their rules.
    OperateAlerts,
    /// Invite and disable users, change their roles, end their sessions, and make API tokens.
    ManageUsers,
    /// Keep the providers' keys, switch providers off and on, and test their credentials.
    ManageProviders,
    /// Maintain, back up and restore the database, and end its connections.
    OperateDatabase,
}

impl Permission {
    /// The stable name used in the database and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Permission::ReadConsole => "read_console",
            Permission::ReadResults => "read_results",
            Permission::RunJobs => "run_jobs",
            Permission::WorkDeadLetters => "work_dead_letters",
            Permission::OperateKillSwitch => "operate_kill_switch",
            Permission::OperateQueues => "operate_queues",
            Permission::OperateBreakers => "operate_breakers",
            Permission::ChangeSettings => "change_settings",
            Permission::OperateSchedules => "operate_schedules",
            Permission::OperateWorkers => "operate_workers",
            Permission::KeepIncidents => "keep_incidents",
            Permission::OperateAlerts => "operate_alerts",
            Permission::ManageUsers => "manage_users",
            Permission::ManageProviders => "manage_providers",
            Permission::OperateDatabase => "operate_database",
        }
    }

    /// The permission with this stable name.
    pub fn from_name(name: &str) -> Option<Permission> {
        Permission::ALL.into_iter().find(|permission| permission.name() == name)
    }

    /// Every permission, for tables and tests.
    pub const ALL: [Permission; 15] = {
        use Permission::*;
        [
            ReadConsole,
            ReadResults,
            RunJobs,
            WorkDeadLetters,
            OperateKillSwitch,
            OperateQueues,
            OperateBreakers,
            ChangeSettings,
            OperateSchedules,
            OperateWorkers,
            KeepIncidents,
            OperateAlerts,
            ManageUsers,
            ManageProviders,
            OperateDatabase,
        ]
    };

    /// What the permission allows, as it completes the sentence "You may not …".
    pub const fn describe(self) -> &'static str {
        match self {
            Permission::ReadConsole => "see the operations console",
            Permission::ReadResults => "see the results",
            Permission::RunJobs => "start, hold, cancel or retry jobs",
            Permission::WorkDeadLetters => "retry or delete dead letters",
            Permission::OperateKillSwitch => "operate the kill switch",
            Permission::OperateQueues => "operate queues",
            Permission::OperateBreakers => "operate circuit breakers",
            Permission::ChangeSettings => "change settings",
            Permission::OperateSchedules => "operate schedules",
            Permission::OperateWorkers => "stop or start workers or the scheduler",
            Permission::KeepIncidents => "take incidents on or end them",
            Permission::OperateAlerts => "acknowledge, silence or change alerts",
            Permission::ManageUsers => "manage users, their sessions or API tokens",
            Permission::ManageProviders => "manage providers or their keys",
            Permission::OperateDatabase => "maintain, back up or restore the database",
        }
    }
}

/// Who a command is carried out for: a signed-in user, or a part of the system itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Actor {
    /// The user's e-mail, or `system:<part>`.
    pub email: String,
    /// The role that decides.
    pub role: Role,
    /// The user must choose a new password before anything else.
    #[serde(default)]
    pub must_change_password: bool,
    /// The token that acts for the user, if it is not they themselves. Pages have none, and need not
    /// know how to read one.
    #[serde(skip)]
    pub token: Option<ActingToken>,
}

/// A token that acts for a user, within its scopes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActingToken {
    /// What it is called.
    pub name: String,
    /// What it may do, of what its owner may.
    pub scopes: Vec<Permission>,
}

impl Actor {
    /// Somebody who acts for themselves.
    pub fn new(email: impl Into<String>, role: Role) -> Actor {
        Actor { email: email.into(), role, must_change_password: false, token: None }
    }

    /// A part of the system acting on its own account, such as the scheduler.
    pub fn system(part: &str) -> Actor {
        Actor::new(format!("system:{part}"), Role::Admin)
    }

    /// Whether this actor may do `permission` now. Someone who still has a one-time password
    /// may do nothing but change it; a token may what its owner may and its scopes name.
    pub fn may(&self, permission: Permission) -> bool {
        let in_scope = self.token.as_ref().is_none_or(|token| token.scopes.contains(&permission));
        !self.must_change_password && self.role.may(permission) && in_scope
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn op_7_the_console_is_for_those_who_run_it() {
        let readers = Role::ALL.into_iter().filter(|role| role.may(Permission::ReadConsole));
        assert_eq!(readers.collect::<Vec<_>>(), [Role::Admin, Role::Operator, Role::Viewer]);
    }

    #[test]
    fn a_narrower_role_never_may_what_a_wider_one_may_not() {
        for permission in Permission::ALL {
            for pair in Role::ALL.windows(2) {
                assert!(pair[0].may(permission) || !pair[1].may(permission), "{permission:?}");
            }
        }
    }

    #[test]
    fn a_one_time_password_allows_nothing() {
        let mut actor = Actor::system("test");
        assert!(actor.may(Permission::ReadConsole));
        actor.must_change_password = true;
        assert!(!actor.may(Permission::ReadConsole));
    }

    #[test]
    fn a_token_may_what_both_its_owner_and_its_scopes_allow() {
        let mut actor = Actor::system("test");
        let scopes = vec![Permission::ReadConsole, Permission::RunJobs];
        actor.token = Some(ActingToken { name: "ci".to_owned(), scopes });
        assert!(actor.may(Permission::RunJobs) && !actor.may(Permission::OperateKillSwitch));
        actor.role = Role::Viewer;
        assert!(actor.may(Permission::ReadConsole) && !actor.may(Permission::RunJobs));
    }

    #[test]
    fn role_names_round_trip() {
        for role in Role::ALL {
            assert_eq!(Role::from_name(role.name()), Some(role));
        }
        for permission in Permission::ALL {
            assert_eq!(Permission::from_name(permission.name()), Some(permission));
            let json = format!("\"{}\"", permission.name());
            assert_eq!(serde_json::to_string(&permission).ok(), Some(json));
        }
    }
}
