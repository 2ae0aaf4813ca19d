//! `/admin/database` (JS-5), `/admin/database/tables` and `/admin/database/backups` (JS-7, CP-8).

mod api;
mod backup_row;
mod backups;
mod indexes;
mod maintain;
mod page;
mod sessions;
mod statements;
mod tables;

pub(crate) use backups::BackupsPage;
pub(crate) use page::DatabasePage;
pub(crate) use tables::TablesPage;
