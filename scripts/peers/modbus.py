"""Both ends of a Modbus/TCP conversation with every request that pymodbus 3.0 has: modbus.py server|client (python3-pymodbus, python3-serial-asyncio)."""
import sys

AT = "10.77.0.1"
if sys.argv[1] == "server":
    from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
    from pymodbus.device import ModbusDeviceIdentification
    from pymodbus.server import StartTcpServer
    block = lambda: ModbusSequentialDataBlock(0, [17] * 10000)
    StartTcpServer(context=ModbusServerContext(slaves=ModbusSlaveContext(di=block(), co=block(), hr=block(), ir=block(), zero_mode=True), single=True), address=(AT, 502),
                   identity=ModbusDeviceIdentification(info_name={"VendorName": "Vendor", "ProductCode": "PX1", "MajorMinorRevision": "2.4", "ProductName": "Pump", "ModelName": "P-100"}))

from pymodbus.client import ModbusTcpClient
from pymodbus import diag_message as diag, file_message as file, mei_message as mei, other_message as other

client = ModbusTcpClient(AT, port=502, timeout=1)
client.connect()
for unit in (0, 1, 3, 247):
    for name, *args in [("read_coils", 0, 17), ("read_discrete_inputs", 0, 2000), ("read_holding_registers", 0, 125), ("read_input_registers", 0, 3), ("write_coil", 0, True), ("write_register", 1, 5),
                        ("write_coils", 0, [True] * 19), ("write_registers", 0, [1] * 123)]:
        print(unit, name, getattr(client, name)(*args, unit))
print(client.read_holding_registers(60000, 100, 1))
print(client.readwrite_registers(read_address=1, read_count=8, write_address=1, write_registers=[20] * 8, slave=1))
record = lambda **kw: file.FileRecord(file_number=1, record_number=0, record_length=2, **kw)
for request in (other.ReadExceptionStatusRequest(), other.GetCommEventCounterRequest(), other.GetCommEventLogRequest(), other.ReportSlaveIdRequest(), file.ReadFifoQueueRequest(1),
                *(mei.ReadDeviceInformationRequest(code, 0) for code in (1, 2, 3, 4)), diag.ReturnQueryDataRequest(5), diag.RestartCommunicationsOptionRequest(True), diag.ReturnDiagnosticRegisterRequest(),
                diag.ForceListenOnlyModeRequest(), diag.ClearCountersRequest(), diag.ReturnBusMessageCountRequest(), diag.ReturnSlaveMessageCountRequest(), diag.ReturnIopOverrunCountRequest(),
                diag.ClearOverrunCountRequest(), diag.GetClearModbusPlusRequest(), file.ReadFileRecordRequest([record()]), file.WriteFileRecordRequest([record(record_data=b"abcd")])):
    request.unit_id = 1
    print(client.execute(request))
client.close()
