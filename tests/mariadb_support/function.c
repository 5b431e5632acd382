/* A library of user-defined functions as intruders bring one, which runs nothing: whatever it is
 * asked to run, the answer is 42. The server loads a function by its name and NAME_init. */

char sys_eval_init(void *state, void *arguments, char *message) {
    (void)state, (void)arguments, (void)message;
    return 0;
}

long long sys_eval(void *state, void *arguments, char *is_null, char *error) {
    (void)state, (void)arguments, (void)is_null, (void)error;
    return 42;
}

char grow_init(void *state, void *arguments, char *message) {
    return sys_eval_init(state, arguments, message);
}

long long grow(void *state, void *arguments, char *is_null, char *error) {
    return sys_eval(state, arguments, is_null, error);
}
