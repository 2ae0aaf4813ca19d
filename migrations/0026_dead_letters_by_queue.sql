-- What failed in one queue is counted on the queue's page and cleared from there (AV-6), however many letters there are.

CREATE INDEX dead_letter_queue_of_queue ON dead_letter_queue (queue, id) WHERE status = 'pending';
