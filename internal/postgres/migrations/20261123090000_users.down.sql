-- lost: the table users: every person, who was let in, and the GitHub tokens
DROP TABLE users;
