-- What was merged stays for a while beside what came of it: a merge for which the disk had no room is then no loss.
ALTER TABLE actions{local}{on_cluster} MODIFY SETTING old_parts_lifetime = 480;
ALTER TABLE user_days{local}{on_cluster} MODIFY SETTING old_parts_lifetime = 480;
ALTER TABLE users{local}{on_cluster} MODIFY SETTING old_parts_lifetime = 480;
