"""What lasts is told, what is over in time is not."""

import threading

from regista.services.working.alarm import Alarm


def test_what_lasts_is_told_once_while_it_lasts():
    alarm, told = Alarm(0.01), threading.Semaphore(0)
    with alarm.unless_over(told.release):
        assert told.acquire(timeout=10)
    assert not told.acquire(timeout=0.05)


def test_what_is_over_is_not_told_and_keeps_nothing_else_from_being_told():
    alarm, heard, early = Alarm(0.2), threading.Event(), []
    for number in range(20):
        with alarm.unless_over(lambda number=number: early.append(number)):
            pass
    with alarm.unless_over(heard.set):
        assert heard.wait(10)
    assert early == []


def test_it_is_told_again_after_it_had_nothing_to_tell():
    alarm = Alarm(0.01)
    for _ in range(3):
        heard = threading.Event()
        with alarm.unless_over(heard.set):
            assert heard.wait(10)
        threading.Event().wait(0.05)


def test_several_at_once_are_all_told():
    alarm, told = Alarm(0.05), [threading.Event() for _ in range(8)]

    def lasts(event):
        with alarm.unless_over(event.set):
            assert event.wait(10)

    threads = [threading.Thread(target=lasts, args=(event,)) for event in told]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(event.is_set() for event in told)
