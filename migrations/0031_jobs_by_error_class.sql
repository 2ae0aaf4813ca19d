-- Jobs are listed by the class of their last error. Most have none: the indexes hold only those that do, and cost the others nothing.

CREATE INDEX jobs_finished_error_class ON jobs_finished (last_error_class, id) WHERE last_error_class IS NOT NULL;
CREATE INDEX jobs_ready_error_class ON jobs_ready (last_error_class, id) WHERE last_error_class IS NOT NULL;
CREATE INDEX jobs_scheduled_error_class ON jobs_scheduled (last_error_class, id) WHERE last_error_class IS NOT NULL;
