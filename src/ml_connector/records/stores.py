"""All stores of one organisation together."""

from ml_connector.ports import Clock, Records
from ml_connector.records.agreements import AgreementRecords
from ml_connector.records.alerts import AlertRecords
from ml_connector.records.approvals import ApprovalRecords
from ml_connector.records.audit import AuditRecords
from ml_connector.records.batches import BatchRecords
from ml_connector.records.closing import ClosingRecords
from ml_connector.records.connections import ConnectionRecords
from ml_connector.records.factors import FactorRecords
from ml_connector.records.gauges import GaugeRecords
from ml_connector.records.history import HistoryRecords
from ml_connector.records.identities import IdentityRecords
from ml_connector.records.intents import IntentRecords
from ml_connector.records.loads import LoadRecords
from ml_connector.records.mappings import MappingRecords
from ml_connector.records.people import PersonRecords
from ml_connector.records.postings import PostingRecords
from ml_connector.records.runs import RunRecords
from ml_connector.records.schedules import ScheduleRecords
from ml_connector.records.sign_offs import SignOffRecords
from ml_connector.records.standings import StandingRecords
from ml_connector.records.tokens import (
    AskedRunRecords,
    TokenRecords,
)
from ml_connector.records.traces import TraceRecords
from ml_connector.records.transactions import TransactionRecords
from ml_connector.records.unmapped import UnmappedRecords


def make_stores(number: int, *, clock: Clock) -> Records:
    """They see the rows of the organisation of that number, and nothing of any other."""
    return Records(
        runs=RunRecords(number, clock=clock),
        batches=BatchRecords(number, clock=clock),
        intents=IntentRecords(number, clock=clock),
        loads=LoadRecords(number, clock=clock),
        mappings=MappingRecords(number, clock=clock),
        unmapped=UnmappedRecords(number, clock=clock),
        postings=PostingRecords(number, clock=clock),
        approvals=ApprovalRecords(number, clock=clock),
        agreements=AgreementRecords(number, clock=clock),
        people=PersonRecords(number, clock=clock),
        identities=IdentityRecords(number, clock=clock),
        factors=FactorRecords(number, clock=clock),
        schedules=ScheduleRecords(number, clock=clock),
        closing=ClosingRecords(number, clock=clock),
        sign_offs=SignOffRecords(number, clock=clock),
        traces=TraceRecords(number, clock=clock),
        standings=StandingRecords(number, clock=clock),
        tokens=TokenRecords(number, clock=clock),
        asked=AskedRunRecords(number, clock=clock),
        gauges=GaugeRecords(number, clock=clock),
        alerts=AlertRecords(number, clock=clock),
        connections=ConnectionRecords(number, clock=clock),
        history=HistoryRecords(number, clock=clock),
        audit=AuditRecords(number, clock=clock),
        transactions=TransactionRecords(number, clock=clock),
    )
